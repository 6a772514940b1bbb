//! Single records, batches and queries through the official Rust client.

mod batches;
mod indexes;
mod modules;
mod policies;
mod queries;
mod single;
mod truncation;
mod values;

use aerospike::{
    Bins, Client, Error, Key, PartitionFilter, QueryPolicy, ReadPolicy, Record, ResultCode,
    Statement,
};
use anyhow::Result;
use futures::StreamExt;
use petrel_tests::{Host, users};

async fn host() -> Result<(Host, Client)> {
    let host = Host::memory()?;
    let client = host.client().await?;
    Ok((host, client))
}

fn key(id: i64) -> Key {
    users::key_in("records", id)
}

async fn get(client: &Client, id: i64) -> aerospike::Result<Record> {
    client
        .get(&ReadPolicy::default(), &key(id), Bins::All)
        .await
}

#[track_caller]
fn failed<T: std::fmt::Debug>(outcome: aerospike::Result<T>, code: ResultCode) {
    let error: Error = outcome.expect_err("this had to fail");
    assert!(error.matches(&[code]), "{error} instead of {code:?}");
}

async fn query(client: &Client, policy: &QueryPolicy, bins: Bins) -> Result<Vec<Record>> {
    let statement = Statement::new("test", "records", bins);
    let records = client
        .query(policy, PartitionFilter::all(), statement)
        .await?;
    let outcomes: Vec<_> = records.into_stream().collect().await;
    Ok(outcomes.into_iter().collect::<aerospike::Result<_>>()?)
}
