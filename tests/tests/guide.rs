//! The guide's snippets through the official Rust client: every background task and every
//! way to call a function, each checked by reading the records back.

use std::time::Duration;

use aerospike::{
    AdminPolicy, BatchOperation, BatchPolicy, BatchUdfPolicy, Bins, Client, ExecuteTask,
    Expiration, Record, ResultCode, Statement, Value, WritePolicy, as_bin, as_list, as_map, as_val,
    expressions::from_ael,
    operations,
    task::{Status, Task},
};
use anyhow::{Context, Result, ensure};
use petrel_tests::{
    Host, Runtime,
    guests::until,
    raw,
    users::{self, SET},
};

/// How many users the background cases work on.
const USERS: i64 = 400;

fn matching(filter: &str) -> Result<WritePolicy> {
    let mut policy = WritePolicy::default();
    policy.base_policy.filter_expression = Some(from_ael(filter)?);
    Ok(policy)
}

fn all_users() -> Statement {
    Statement::new("test", SET, Bins::All)
}

async fn operate(
    client: &Client,
    policy: &WritePolicy,
    operation: operations::Operation,
) -> Result<ExecuteTask> {
    let mut statement = all_users();
    statement.set_operations([operation]);
    Ok(client.query_operate(policy, statement).await?)
}

async fn loaded() -> Result<(Host, Client)> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, USERS).await?;
    Ok((host, client))
}

fn is(record: &Record, bin: &str, value: &Value) -> bool {
    record.bins.get(bin) == Some(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn background_delete_removes_what_matches_and_nothing_else() -> Result<()> {
    let (_host, client) = loaded().await?;
    let policy = matching("$.status == 'inactive'")?;
    let task = operate(&client, &policy, operations::delete()).await?;
    until(&task).await?;
    let left = users::read_all(&client).await?;
    assert_eq!(
        left.keys().copied().collect::<Vec<_>>(),
        (1..=USERS).step_by(2).collect::<Vec<_>>()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn background_update_sets_a_bin_where_the_filter_matches() -> Result<()> {
    let (_host, client) = loaded().await?;
    let policy = matching("$.tier == 'free'")?;
    let bin = as_bin!("trial_expired", true);
    let task = operate(&client, &policy, operations::put(&bin)).await?;
    until(&task).await?;
    let users = users::read_all(&client).await?;
    assert_eq!(users.len() as i64, USERS);
    for (id, user) in users {
        assert_eq!(
            is(&user, "trial_expired", &Value::Bool(true)),
            id % 3 == 0,
            "user {id}"
        );
        assert_eq!(
            user.generation,
            if id % 3 == 0 { 2 } else { 1 },
            "user {id}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn background_touch_resets_the_ttl_where_the_filter_matches() -> Result<()> {
    let (_host, client) = loaded().await?;
    let mut policy = matching("$.active == true")?;
    policy.expiration = Expiration::Seconds(5_000);
    let task = operate(&client, &policy, operations::touch()).await?;
    until(&task).await?;
    for (id, user) in users::read_all(&client).await? {
        let ttl = user.time_to_live().map(|ttl| ttl.as_secs());
        if id % 2 != 0 {
            assert!(
                matches!(ttl, Some(4_980..=5_000)),
                "user {id} has ttl {ttl:?}"
            );
        } else {
            assert_eq!(ttl, None, "user {id}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_waited_for_with_an_interval_and_tells_its_counts() -> Result<()> {
    let (host, client) = loaded().await?;
    let policy = matching("$.expired == true")?;
    let task = operate(&client, &policy, operations::delete()).await?;
    let progress = task
        .wait_for_progress(Some(Duration::from_secs(20)), Duration::from_millis(20))
        .await?;
    assert!(progress.complete);
    assert_eq!(progress.succeeded as i64, USERS / 4);
    assert_eq!(progress.failed, 0);
    assert_eq!(
        (progress.filtered_bins + progress.filtered_meta) as i64,
        USERS - USERS / 4
    );
    assert_eq!(progress.percent, 100.0);
    assert_eq!(task.query_status().await?, Status::Complete);

    // The line that people and scripts read.
    let line = raw::info(
        host.address(),
        &format!("query-show:trid={}", task.task_id()),
    )?;
    for field in [
        "trid=",
        "ns=test",
        "set=users",
        "status=done(ok)",
        "job-progress=100.00",
        "run-time=",
    ] {
        assert!(
            line.split(':').any(|part| part.starts_with(field)),
            "no {field} in {line}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_over_its_own_set_only() -> Result<()> {
    let (_host, client) = loaded().await?;
    let stranger = users::key_in("strangers", 1);
    client
        .put(
            &WritePolicy::default(),
            &stranger,
            &[as_bin!("status", "inactive")],
        )
        .await?;
    let task = operate(&client, &WritePolicy::default(), operations::delete()).await?;
    until(&task).await?;
    assert!(users::read_all(&client).await?.is_empty());
    assert!(client.exists(&Default::default(), &stranger).await?);
    Ok(())
}

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
            function: "noop",
            arguments: vec![],
            result: Some(Value::Int(1)),
            after: vec![("v", v.clone())],
            generation: 1,
        },
        Case {
            module: "my_module",
            function: "bump",
            arguments: vec![Value::Int(5)],
            result: Some(Value::Int(75)),
            after: vec![("v", Value::Int(75))],
            generation: 2,
        },
        Case {
            module: "my_module",
            function: "listsum",
            arguments: vec![],
            result: Some(Value::Int(list_of(7).iter().sum())),
            after: vec![("v", v.clone())],
            generation: 1,
        },
        Case {
            module: "my_module",
            function: "fnv",
            arguments: vec![],
            result: Some(Value::Int(fnv())),
            after: vec![("v", v)],
            generation: 1,
        },
        Case {
            module: "my_module",
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
        let package = runtime.register(&client, "my_module").await?;
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
async fn a_background_udf_runs_on_every_matching_record_in_both_runtimes() -> Result<()> {
    let (_host, client) = loaded().await?;
    let mut expected: Vec<i64> = (0..=USERS).map(|id| id * 10).collect();
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "my_module").await?;
        for filter in [None, Some("$.status == 'active'")] {
            let policy = filter.map_or_else(|| Ok(WritePolicy::default()), matching)?;
            let task = client
                .query_execute_udf(&policy, all_users(), &package, "bump", &[Value::Int(3)])
                .await?;
            let progress = task
                .wait_for_progress(Some(Duration::from_secs(20)), Duration::from_millis(20))
                .await?;
            let ran = if filter.is_some() { USERS / 2 } else { USERS };
            assert_eq!(progress.succeeded as i64, ran, "{runtime:?} {filter:?}");
            assert_eq!(progress.failed, 0, "{runtime:?} {filter:?}");
            for (id, user) in users::read_all(&client).await? {
                let v = &mut expected[id as usize];
                if filter.is_none() || id % 2 != 0 {
                    *v += 3;
                }
                assert_eq!(
                    user.bins.get("v"),
                    Some(&Value::Int(*v)),
                    "{runtime:?} user {id}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_a_foreground_udf_from_running() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 2).await?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "my_module").await?;
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
    let echo = b"function echo(rec, value) return value end";
    petrel_tests::guests::register(&client, "echo.lua", echo).await?;
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
    for value in values {
        let result = client
            .execute_udf(
                &WritePolicy::default(),
                &users::key(1),
                "echo",
                "echo",
                &[value.clone()],
            )
            .await
            .with_context(|| format!("{value:?}"))?;
        assert_eq!(result, Some(value));
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
    assert!(error.matches(&[ResultCode::UdfBadResponse]), "{error}");
    Ok(())
}
