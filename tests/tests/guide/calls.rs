//! Functions called on one key and on a batch of keys, in both runtimes.

use aerospike::{
    AdminPolicy, BatchOperation, BatchPolicy, BatchUdfPolicy, Client, ResultCode, Value,
    WritePolicy, as_list, as_map, as_val,
};
use anyhow::{Context, Result, ensure};
use petrel_tests::{Host, Runtime, guests::until, users};

use crate::matching;

/// One function called with arguments on user 7, whose bins [`users::load`] tells.
struct Case {
    module: &'static str,
    function: &'static str,
    arguments: Vec<Value>,
    /// What the call returns.
    result: Option<Value>,
    /// What is in the record afterwards, of the bins that matter.
    after: Vec<(&'static str, Value)>,
    /// The record's generation afterwards: 2 if the function wrote.
    generation: u32,
}

/// The list of user `id`, as [`users::load`] writes it.
fn list_of(id: i64) -> Vec<i64> {
    (0..16).map(|j| (id * 31 + j) % 97).collect()
}

fn score_of(id: i64) -> Value {
    let list = list_of(id);
    let best = list.iter().copied().max().unwrap_or(0);
    let acc = list
        .iter()
        .fold(0i64, |acc, x| acc.wrapping_mul(31).wrapping_add(*x));
    let acc = acc.rem_euclid(1_000_003);
    as_map!("best" => best, "acc" => acc, "tag" => format!("t{}", best % 7))
}

fn fnv() -> i64 {
    (0..1000).fold(0x7bf2_9ce4_8422_2325, |h: i64, i| {
        (h ^ (i & 0xff)).wrapping_mul(0x100_0000_01b3)
    })
}

fn cases() -> Vec<Case> {
    let v = Value::Int(70);
    vec![
        Case {
            module: "my_module",
            function: "transform_record",
            arguments: vec!["arg1".into(), "arg2".into()],
            result: Some(Value::Int(1)),
            after: vec![
                ("tag1", "arg1".into()),
                ("tag2", "arg2".into()),
                ("visits", Value::Int(1)),
            ],
            generation: 2,
        },
        Case {
            module: "my_module",
            function: "get_computed_value",
            arguments: vec![Value::Int(42)],
            result: Some(Value::Int(700 * 42)),
            after: vec![("score", Value::Int(700))],
            generation: 1,
        },
        Case {
            module: "my_module",
            function: "process_record",
            arguments: vec![],
            result: Some(as_map!("name" => "user 7", "tier" => "paid", "visits" => 0)),
            after: vec![("processed", Value::Bool(true))],
            generation: 2,
        },
        Case {
            module: "bench",
            function: "noop",
            arguments: vec![],
            result: Some(Value::Int(1)),
            after: vec![("v", v.clone())],
            generation: 1,
        },
        Case {
            module: "bench",
            function: "bump",
            arguments: vec![Value::Int(5)],
            result: Some(Value::Int(75)),
            after: vec![("v", Value::Int(75))],
            generation: 2,
        },
        Case {
            module: "bench",
            function: "listsum",
            arguments: vec![],
            result: Some(Value::Int(list_of(7).iter().sum())),
            after: vec![("v", v.clone())],
            generation: 1,
        },
        Case {
            module: "bench",
            function: "fnv",
            arguments: vec![],
            result: Some(Value::Int(fnv())),
            after: vec![("v", v)],
            generation: 1,
        },
        Case {
            module: "bench",
            function: "score",
            arguments: vec![Value::Int(1)],
            result: Some(score_of(7)),
            after: vec![("score", score_of(7))],
            generation: 2,
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_udf_returns_and_writes_the_same_in_both_runtimes() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    for runtime in Runtime::ALL {
        for case in cases() {
            users::load(&client, 8).await?;
            client
                .delete(&WritePolicy::default(), &users::key(7))
                .await?;
            users::load(&client, 8).await?;
            let package = runtime.register(&client, case.module).await?;
            let what = format!("{runtime:?} {}.{}", case.module, case.function);
            let result = client
                .execute_udf(
                    &WritePolicy::default(),
                    &users::key(7),
                    &package,
                    case.function,
                    &case.arguments,
                )
                .await
                .with_context(|| what.clone())?;
            assert_eq!(result, case.result, "{what}");
            let record = users::read(&client, 7)
                .await?
                .context("the record is gone")?;
            for (bin, value) in &case.after {
                assert_eq!(record.bins.get(*bin), Some(value), "{what}: bin {bin}");
            }
            assert_eq!(record.generation, case.generation, "{what}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_udf_answers_for_every_key_in_both_runtimes() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    for runtime in Runtime::ALL {
        client
            .delete(&WritePolicy::default(), &users::key(4))
            .await?;
        users::load(&client, 3).await?;
        let package = runtime.register(&client, "bench").await?;
        let policy = BatchUdfPolicy::default();
        let mut calls: Vec<_> = (1..=3)
            .map(|id| {
                BatchOperation::udf(
                    &policy,
                    users::key(id),
                    &package,
                    "bump",
                    vec![Value::Int(1)],
                )
            })
            .collect();
        client.batch(&BatchPolicy::default(), &mut calls).await?;
        for (id, call) in (1..).zip(&calls) {
            ensure!(
                call.result_code() == Some(ResultCode::Ok),
                "{runtime:?} {id}: {call:?}"
            );
            let record = call.record().context("no record in the answer")?;
            assert_eq!(
                record.bins.get("SUCCESS"),
                Some(&Value::Int(id * 10 + 1)),
                "{runtime:?}"
            );
            let stored = users::read(&client, id)
                .await?
                .context("the record is gone")?;
            assert_eq!(
                stored.bins.get("v"),
                Some(&Value::Int(id * 10 + 1)),
                "{runtime:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_s_batch_udf_processes_what_is_there_in_both_runtimes() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    for runtime in Runtime::ALL {
        client
            .delete(&WritePolicy::default(), &users::key(2))
            .await?;
        users::load(&client, 2).await?;
        let package = runtime.register(&client, "my_module").await?;
        let policy = BatchUdfPolicy::default();
        let call =
            |id| BatchOperation::udf(&policy, users::key(id), &package, "process_record", vec![]);
        // There is no user 9, which the function tells by returning nil.
        let mut calls = [call(1), call(2), call(9)];
        client.batch(&BatchPolicy::default(), &mut calls).await?;
        for (call, (id, tier)) in calls.iter().zip([(1, "paid"), (2, "paid")]) {
            let record = call
                .record()
                .with_context(|| format!("{runtime:?}: {call:?}"))?;
            let name = format!("user {id}");
            let summary = as_map!("name" => name, "tier" => tier, "visits" => 0);
            assert_eq!(record.bins.get("SUCCESS"), Some(&summary), "{runtime:?}");
            let stored = users::read(&client, id)
                .await?
                .context("the record is gone")?;
            assert_eq!(
                stored.bins.get("processed"),
                Some(&Value::Bool(true)),
                "{runtime:?}"
            );
        }
        assert_eq!(calls[2].result_code(), Some(ResultCode::Ok), "{runtime:?}");
        assert!(users::read(&client, 9).await?.is_none(), "{runtime:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_a_foreground_udf_from_running() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 2).await?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        let policy = matching("$.status == 'nobody'")?;
        let error = client
            .execute_udf(&policy, &users::key(1), &package, "bump", &[Value::Int(1)])
            .await
            .expect_err("the filter matches nobody");
        assert!(
            error.matches(&[ResultCode::FilteredOut]),
            "{runtime:?}: {error}"
        );
        let record = users::read(&client, 1)
            .await?
            .context("the record is gone")?;
        assert_eq!(record.bins.get("v"), Some(&Value::Int(10)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_go_through_a_function_unchanged() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    let values = [
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::from(3.0),
        Value::from(-0.5),
        Value::Bool(true),
        Value::Bool(false),
        Value::String("größer".into()),
        Value::String(String::new()),
        Value::Blob(vec![0, 1, 254, 255]),
        as_list!(1, "two", 3.5, true, as_list!(4, as_map!("five" => 5))),
        as_map!("a" => 1, "b" => as_list!(1, 2), "c" => as_map!("d" => "e")),
        as_map!(1 => "one", 2 => "two"),
    ];
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "misbehave").await?;
        for value in &values {
            let arguments = [value.clone()];
            let result = client
                .execute_udf(
                    &WritePolicy::default(),
                    &users::key(1),
                    &package,
                    "echo",
                    &arguments,
                )
                .await
                .with_context(|| format!("{runtime:?} {value:?}"))?;
            assert_eq!(result.as_ref(), Some(value), "{runtime:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_module_is_unknown_and_a_replaced_one_is_new() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    let call = async |client: &Client| {
        client
            .execute_udf(
                &WritePolicy::default(),
                &users::key(1),
                "version",
                "version",
                &[],
            )
            .await
    };
    for n in 1..=2 {
        let source = format!("function version(rec) return {n} end");
        petrel_tests::guests::register(&client, "version.lua", source.as_bytes()).await?;
        assert_eq!(call(&client).await?, Some(Value::Int(n)));
    }
    let task = client
        .remove_udf(&AdminPolicy::default(), "version.lua")
        .await?;
    until(&task).await?;
    let error = call(&client).await.expect_err("the module is gone");
    assert_eq!(error.result_code(), 100, "{error}");
    Ok(())
}
