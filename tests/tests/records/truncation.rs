//! Truncation as clients ask for it.

use aerospike::{WritePolicy, as_bin};
use anyhow::Result;
use petrel_tests::raw;

use crate::{get, host, key};

#[tokio::test(flavor = "multi_thread")]
async fn a_truncation_that_is_for_nothing_is_told_why() -> Result<()> {
    let (host, client) = host().await?;
    client
        .put(&WritePolicy::default(), &key(1), &[as_bin!("a", 1)])
        .await?;
    // Nanoseconds of Unix time: the least that clients send, the end of 2009, and far ahead.
    for (parameters, answer) in [
        ("set=records", "ERROR:20:"),
        ("namespace=;set=records", "ERROR:20:"),
        ("namespace=nowhere;set=records", "ok"),
        ("namespace=test;set=", "ERROR:4:"),
        ("namespace=test;set=records;lut=1", "ERROR:4:"),
        (
            "namespace=test;set=records;lut=1262303999999999999",
            "ERROR:4:",
        ),
        (
            "namespace=test;set=records;lut=9000000000000000000",
            "ERROR:4:",
        ),
        ("namespace=test;set=records;lut=now", "ERROR:4:"),
        ("namespace=test;set=records;lut=1262304000001000000", "ok"),
    ] {
        let said = raw::info(host.address(), &format!("truncate:{parameters}"))?;
        assert!(said.starts_with(answer), "{parameters}: {said}");
    }
    assert_eq!(get(&client, 1).await?.bins.len(), 1);
    Ok(())
}
