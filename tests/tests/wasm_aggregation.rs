//! Aggregations of components: with their Lua twins through the embedded API, and on the command line.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use petrel::model::{ResultCode, Value, msgpack};
use petrel::session::{DataSet, Session};
use petrel_tests::{Host, Runtime, host, users};
use serde_json::json;

/// Records in the set, whose bin `v` is their number.
const RECORDS: i64 = 3_000;

fn set() -> DataSet {
    DataSet::of("test", "numbers")
}

async fn session(modules: &[&str]) -> Result<Session> {
    let session = Session::builder().memory().build()?;
    for v in 0..RECORDS {
        let insert = session.insert(set().id(v)).bin("v").set_to(v);
        insert.execute().await?;
    }
    for runtime in Runtime::ALL {
        for module in modules {
            let Ok(bytes) = runtime.module(module) else {
                ensure!(runtime == Runtime::Lua, "no component {module}");
                continue;
            };
            let file = runtime.file_name(module);
            session.info().register_udf_bytes(&file, bytes).await?;
        }
    }
    Ok(session)
}

async fn aggregate(
    session: &Session,
    package: &str,
    function: &str,
    args: Vec<Value>,
) -> petrel::session::Result<Vec<Value>> {
    let query = session.query(set()).aggregate(package, function, args);
    query.execute().await?.all().await
}

/// A map with its entries in order, whatever wrote it.
fn in_order(value: Value) -> Result<Value> {
    Ok(match value {
        Value::Map(packed) => Value::map(msgpack::map_entries(&packed)?),
        value => value,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn both_runtimes_come_to_the_same() -> Result<()> {
    let session = session(&["aggregate"]).await?;
    let group = |g: i64| (g.into(), (3 * g + 3_000).into());
    for (function, args, expected) in [
        ("count", vec![], RECORDS.into()),
        ("sum", vec!["v".into()], (0..RECORDS).sum::<i64>().into()),
        (
            "group_sum",
            vec!["v".into(), 1_000.into()],
            Value::map((0..1_000).map(group)),
        ),
        (
            "top_k",
            vec!["v".into(), 2.into()],
            Value::list([2_999.into(), 2_998.into()]),
        ),
    ] {
        for package in ["aggregate", "aggregate_wasm"] {
            let mut values = aggregate(&session, package, function, args.clone()).await?;
            let value = values.pop().map(in_order).transpose()?;
            assert_eq!(value, Some(expected.clone()), "{package}.{function}");
            assert_eq!(values, [], "{package}.{function}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_fails_ends_its_aggregation_with_the_reason() -> Result<()> {
    let session = session(&["misbehave"]).await?;
    for (how, text) in [
        ("throw", "misbehave_wasm.wasm: no stock"),
        ("trap", "this fold panics, at misbehave/src/lib.rs:"),
        ("spin", "ran past its time limit"),
        ("eat", "memory-bytes"),
        ("big", "result-bytes"),
        ("late", "this finish panics"),
        ("arguments", "no such way"),
    ] {
        let ended = aggregate(&session, "misbehave_wasm", "misfold", vec![how.into()]).await;
        let error = ended.err().with_context(|| how.to_owned())?;
        assert_eq!(error.code(), ResultCode::UdfExecution, "{how}: {error}");
        let merged = "`merge` takes another type";
        let says = error.to_string();
        assert!(
            says.contains(text) || says.contains(merged),
            "{how}: {says}"
        );
    }
    let ended = aggregate(&session, "misbehave_wasm", "trap", vec![]).await;
    let says = ended
        .err()
        .context("a function is no aggregation")?
        .to_string();
    assert!(says.contains("trap is a function on records"), "{says}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_aggregates_and_lists_what_a_component_offers() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 60).await?;
    let package = Runtime::Wasm.register(&client, "aggregate").await?;
    let petrel = |words: &[&str]| -> Result<serde_json::Value> {
        let output = Command::new(host::binary()?)
            .arg("--json")
            .args(words)
            .env("PETREL_HOST", host.address().to_string())
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let few = [
        "aggregate",
        "test.users",
        &package,
        "sum",
        "id",
        "--where",
        "$.id <= 10",
    ];
    assert_eq!(petrel(&few)?, json!({"values": [55]}));
    let shown = petrel(&["udf", "show", &package])?;
    let top_k = json!({
        "name": "top_k",
        "arguments": 2,
        "aggregation": true,
        "doc": "The `k` largest values of an integer bin, the largest first.",
        "parameters": [{"name": "bin", "type": "String"}, {"name": "k", "type": "usize"}],
        "returns": "Vec<i64>",
        "reads": null,
        "writes": [],
    });
    assert_eq!(shown["functions"][3], top_k);
    Ok(())
}
