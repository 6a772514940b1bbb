//! Bad input of every kind: the answer is a clear error, and the host goes on serving.

mod calls;
mod filters;
mod frames;
mod logs;
mod modules;
mod refusals;
mod sandbox;

use std::time::Duration;

use aerospike::{Bins, Client, Error, ReadPolicy, Value, WritePolicy, as_bin};
use anyhow::{Context, Result, ensure};
use petrel_tests::{Host, connect, users};

/// The result code of everything that goes wrong in or about a module.
const UDF_CODE: i32 = 100;

/// A host with one user (1) and a client to it.
async fn host_with_a_user() -> Result<(Host, Client)> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    Ok((host, client))
}

/// Fails unless the host lets a newcomer in and does its work.
async fn still_serves(host: &Host) -> Result<()> {
    let work = async {
        let client = connect(host.address()).await?;
        let key = users::key_in("alive", 1);
        client
            .put(&WritePolicy::default(), &key, &[as_bin!("alive", 1)])
            .await?;
        let record = client.get(&ReadPolicy::default(), &key, Bins::All).await?;
        ensure!(
            record.bins.get("alive") == Some(&Value::Int(1)),
            "read {record:?}"
        );
        petrel_tests::guests::register(&client, "alive.lua", b"function f(rec) return 1 end")
            .await?;
        let result = client
            .execute_udf(&WritePolicy::default(), &key, "alive", "f", &[])
            .await?;
        ensure!(
            result == Some(Value::Int(1)),
            "the function gave {result:?}"
        );
        Ok(())
    };
    let served = tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .context("no answer in 20 s")
        .flatten();
    served.with_context(|| format!("the host no longer serves; its log:\n{}", host.log()))
}

/// Fails unless the error has the code and its text has every one of the parts.
fn says(error: &Error, code: i32, parts: &[&str]) -> Result<()> {
    let text = error.to_string();
    ensure!(
        error.result_code() == code,
        "code {} instead of {code}: {text}",
        error.result_code()
    );
    for part in parts {
        ensure!(
            text.to_lowercase().contains(&part.to_lowercase()),
            "no {part:?} in: {text}"
        );
    }
    Ok(())
}
