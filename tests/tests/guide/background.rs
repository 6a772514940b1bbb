//! Background delete, update, touch and UDF over a set.

use std::time::Duration;

use aerospike::{
    Bins, Client, ExecuteTask, Expiration, Record, Statement, Value, WritePolicy, as_bin,
    operations,
    task::{Status, Task},
};
use anyhow::Result;
use petrel_tests::{
    Host, Runtime,
    guests::until,
    raw,
    users::{self, SET},
};

use crate::matching;

/// How many users the background cases work on.
const USERS: i64 = 400;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_background_udf_runs_on_every_matching_record_in_both_runtimes() -> Result<()> {
    let (_host, client) = loaded().await?;
    let mut expected: Vec<i64> = (0..=USERS).map(|id| id * 10).collect();
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
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
async fn the_guide_s_background_udf_transforms_every_record_in_both_runtimes() -> Result<()> {
    let (_host, client) = loaded().await?;
    for (runtime, visits) in Runtime::ALL.into_iter().zip(1..) {
        let package = runtime.register(&client, "my_module").await?;
        let arguments = ["arg1".into(), "arg2".into()];
        let policy = WritePolicy::default();
        let task = client
            .query_execute_udf(
                &policy,
                all_users(),
                &package,
                "transform_record",
                &arguments,
            )
            .await?;
        until(&task).await?;
        let users = users::read_all(&client).await?;
        assert_eq!(users.len() as i64, USERS);
        for (id, user) in users {
            assert!(
                is(&user, "tag1", &"arg1".into()),
                "{runtime:?} user {id}: {user:?}"
            );
            assert!(
                is(&user, "tag2", &"arg2".into()),
                "{runtime:?} user {id}: {user:?}"
            );
            assert!(
                is(&user, "visits", &Value::Int(visits)),
                "{runtime:?} user {id}: {user:?}"
            );
        }
    }
    Ok(())
}
