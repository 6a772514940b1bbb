//! A background task's life as clients and people follow it.

use std::time::{Duration, Instant};

use aerospike::{Bins, Statement, Value, WritePolicy, as_bin, operations};
use anyhow::{Context, Result, bail, ensure};
use petrel_tests::{
    Host, Runtime, raw,
    users::{self, SET},
};

fn field<'a>(line: &'a str, name: &str) -> Result<&'a str> {
    line.split(':')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        .with_context(|| format!("no {name} in {line}"))
}

fn show(host: &Host, task: u64) -> Result<String> {
    raw::info(host.address(), &format!("query-show:trid={task}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_shows_its_progress_and_stops_when_told() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1_000).await?;
    let package = Runtime::Lua.register(&client, "misbehave").await?;
    let statement = Statement::new("test", SET, Bins::All);
    let policy = WritePolicy::default();
    let task = client
        .query_execute_udf(&policy, statement, &package, "dawdle", &[])
        .await?;

    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let line = show(&host, task.task_id())?;
        ensure!(field(&line, "status")?.starts_with("active"), "{line}");
        let succeeded: u64 = field(&line, "recs-succeeded")?.parse()?;
        let progress: f64 = field(&line, "job-progress")?.parse()?;
        if succeeded > 0 && progress > 0.0 {
            ensure!(progress < 100.0, "{line}");
            ensure!(field(&line, "udf-filename")? == package, "{line}");
            ensure!(field(&line, "udf-function")? == "dawdle", "{line}");
            break;
        }
        if Instant::now() > deadline {
            bail!("no progress in 15 s: {line}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let answer = raw::info(
        host.address(),
        &format!("query-abort:trid={}", task.task_id()),
    )?;
    ensure!(answer.to_lowercase().starts_with("ok"), "{answer}");
    let started = Instant::now();
    let line = loop {
        let line = show(&host, task.task_id())?;
        if !field(&line, "status")?.starts_with("active") {
            break line;
        }
        ensure!(started.elapsed() < Duration::from_secs(5), "{line}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    ensure!(field(&line, "status")?.contains("abort"), "{line}");
    let succeeded: i64 = field(&line, "recs-succeeded")?.parse()?;
    ensure!(succeeded < 1_000, "{line}");
    let users = users::read_all(&client).await?;
    let written = users.values().filter(|user| user.generation == 2).count();
    ensure!(
        written as i64 == succeeded,
        "{written} records were written: {line}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_keeps_to_its_records_per_second() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 300).await?;
    let mut statement = Statement::new("test", SET, Bins::All);
    statement.set_operations([operations::put(&as_bin!("seen", true))]);
    let policy = WritePolicy {
        records_per_second: 100,
        ..Default::default()
    };
    let started = Instant::now();
    let task = client.query_operate(&policy, statement).await?;
    let progress = task
        .wait_for_progress(Some(Duration::from_secs(20)), Duration::from_millis(20))
        .await?;
    let took = started.elapsed();
    assert_eq!(progress.succeeded, 300);
    assert!(progress.throttled > 0, "{progress:?}");
    // The batches that are under way when the limit is reached still go.
    assert!(
        took >= Duration::from_secs(1),
        "300 records at 100/s in {took:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_are_listed_and_an_unknown_one_is_said_to_be() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 10).await?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut statement = Statement::new("test", SET, Bins::All);
        statement.set_operations([operations::touch()]);
        let task = client
            .query_operate(&WritePolicy::default(), statement)
            .await?;
        petrel_tests::guests::until(&task).await?;
        ids.push(task.task_id().to_string());
    }
    let all = raw::info(host.address(), "query-show")?;
    let listed: Vec<_> = all.split(';').filter(|line| !line.is_empty()).collect();
    assert_eq!(listed.len(), 3, "{all}");
    for id in &ids {
        assert!(
            listed
                .iter()
                .any(|line| field(line, "trid").ok() == Some(id)),
            "{all}"
        );
    }
    // The clients take this answer for a task that has ended long ago.
    for command in ["query-show:trid=12345", "query-abort:trid=12345"] {
        let answer = raw::info(host.address(), command)?;
        assert!(answer.starts_with("ERROR:2"), "{command}: {answer}");
    }
    let record = users::read(&client, 1)
        .await?
        .context("the record is gone")?;
    assert_eq!(record.bins.get("v"), Some(&Value::Int(10)));
    assert_eq!(record.generation, 4);
    Ok(())
}
