//! Records of a server, to run functions on here.

use aerospike::{Bins, PartitionFilter, QueryPolicy, ReadPolicy, Record, ResultCode, Statement};
use futures::StreamExt;

use super::fixture::{FixtureBins, FixtureRecord, Notation};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::target::{RecordTarget, SetTarget};
use crate::cli::values::to_model;
use crate::model::{Digest, Value};

/// Reads a record.
pub async fn one(server: &Server, target: &RecordTarget) -> Result<FixtureRecord, CliError> {
    let key = target.key()?;
    let context = format!("read {}:{}", target.set, target.key);
    let policy = ReadPolicy::default();
    match server.client.get(&policy, &key, Bins::All).await {
        Ok(record) => {
            let user_key = key.user_key().map(to_model);
            Ok(fixture(&record, &target.set.set, user_key))
        }
        Err(error) if error.server_result_code() == Some(ResultCode::KeyNotFoundError) => {
            Err(CliError::NotFound {
                what: format!("record {}:{}", target.set, target.key),
                next: "name a record that is there; an integer key in quotes is a string: '\"42\"'"
                    .to_owned(),
            })
        }
        Err(error) => Err(CliError::from_client(context, &error)),
    }
}

/// Reads at most so many records of a set, in the order of their digests: by chance.
pub async fn sample(
    server: &Server,
    target: &SetTarget,
    most: usize,
) -> Result<Vec<FixtureRecord>, CliError> {
    let policy = QueryPolicy {
        max_records: most as u64,
        ..QueryPolicy::default()
    };
    let statement = Statement::new(target.namespace.as_str(), target.set.as_str(), Bins::All);
    let failed = |error| CliError::from_client(format!("read {target}"), &error);
    let found = server
        .client
        .query(&policy, PartitionFilter::all(), statement)
        .await
        .map_err(failed)?;
    let mut stream = found.into_stream();
    let mut records = Vec::new();
    while let Some(record) = stream.next().await {
        let record = record.map_err(failed)?;
        let user_key = record.key.as_ref().and_then(|key| key.user_key());
        let user_key = user_key.map(to_model);
        // A server may send a few more than were asked for.
        if records.len() < most {
            records.push(fixture(&record, &target.set, user_key));
        }
    }
    Ok(records)
}

fn fixture(record: &Record, set: &str, key: Option<Value>) -> FixtureRecord {
    let bins = record.bins.iter();
    let bins = bins.map(|(name, value)| (name.clone(), Notation(to_model(value))));
    let ttl = record.time_to_live();
    FixtureRecord {
        key: key.map(Notation),
        digest: record.key.as_ref().map(|key| Digest(key.digest())),
        set: set.to_owned(),
        generation: Some(u16::try_from(record.generation).unwrap_or(u16::MAX)),
        ttl: ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)),
        missing: false,
        bins: FixtureBins(bins.collect()),
    }
}
