//! Modules that are replaced between calls.

use aerospike::{
    AdminPolicy, BatchOperation, BatchPolicy, BatchUdfPolicy, Client, Value, WritePolicy,
};
use anyhow::{Context, Result, ensure};
use petrel_tests::guests;

use crate::{host, key};

/// What `user.f` gives: once on its own, then for each record of a batch.
async fn call(client: &Client) -> Result<Vec<Option<Value>>> {
    let alone = client
        .execute_udf(&WritePolicy::default(), &key(1), "user", "f", &[])
        .await?;
    let policy = BatchUdfPolicy::default();
    let mut batch: Vec<_> = (1..4)
        .map(|id| BatchOperation::udf(&policy, key(id), "user", "f", vec![]))
        .collect();
    client.batch(&BatchPolicy::default(), &mut batch).await?;
    let mut results = vec![alone];
    for call in &batch {
        let record = call.record().context("no record in the answer")?;
        results.push(record.bins.get("SUCCESS").cloned());
    }
    Ok(results)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_see_the_new_code_of_what_a_module_requires() -> Result<()> {
    let (_host, client) = host().await?;
    let helper = async |v: i64| {
        let text = format!("return {{v = {v}}}");
        guests::register(&client, "helper.lua", text.as_bytes()).await
    };
    let user = b"local h = require('helper')\nfunction f(rec) return h.v end";
    helper(0).await?;
    guests::register(&client, "user.lua", user).await?;
    for v in 1..20 {
        helper(v).await?;
        for _ in 0..4 {
            ensure!(
                call(&client).await? == vec![Some(Value::Int(v)); 4],
                "at {v}"
            );
        }
    }
    let task = client
        .remove_udf(&AdminPolicy::default(), "helper.lua")
        .await?;
    guests::until(&task).await?;
    let error = call(&client).await.err().context("the helper is gone")?;
    ensure!(
        format!("{error:#}").contains("'helper' not found"),
        "{error:#}"
    );
    Ok(())
}
