//! What functions write to the host's log, at its worst.

use std::time::{Duration, Instant};

use aerospike::{Client, Value, WritePolicy};
use anyhow::{Context, Result, ensure};
use petrel_tests::{Host, Runtime, users};

use crate::host_with_a_user;

/// Calls a function of `misbehave` in one runtime; gives the package.
async fn call(
    client: &Client,
    runtime: Runtime,
    function: &str,
    arguments: &[Value],
) -> Result<String> {
    let package = runtime.register(client, "misbehave").await?;
    let policy = WritePolicy::default();
    client
        .execute_udf(&policy, &users::key(1), &package, function, arguments)
        .await?;
    Ok(package)
}

/// Waits until a line of the log has all the parts, and gives it.
fn line(host: &Host, parts: &[&str]) -> Result<String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let log = host.log();
        if let Some(line) = log.lines().find(|l| parts.iter().all(|p| l.contains(p))) {
            return Ok(line.to_owned());
        }
        ensure!(Instant::now() < deadline, "no line with {parts:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_is_cut_and_counted() -> Result<()> {
    const LINES: usize = 20_000;
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        let arguments = [
            Value::Int(LINES as i64),
            Value::String("a drop in the flood".into()),
        ];
        call(&client, runtime, "log_often", &arguments).await?;
        let report = line(&host, &["log lines were dropped"])?;
        let written = host.log().matches("a drop in the flood").count();
        ensure!((1_000..2_000).contains(&written), "{runtime:?}: {written}");
        let (before, _) = report.split_once(" log lines").context("no count")?;
        let dropped: usize = before.rsplit(' ').next().context("no count")?.parse()?;
        ensure!(
            dropped + written >= LINES,
            "{runtime:?}: {written} {report}"
        );
        ensure!(report.contains(&runtime.file_name("misbehave")), "{report}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_line_is_cut_off_and_says_how_long_it_was() -> Result<()> {
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        call(&client, runtime, "log_long", &[Value::Int(1 << 20)]).await?;
        let line = line(&host, &["xxxx"])?;
        ensure!(line.contains("1048576 bytes in all"), "{line}");
        ensure!(line.len() < 5_000, "{} bytes", line.len());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cannot_forge_a_line_and_says_whose_it_is() -> Result<()> {
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        let forged = "innocent\n2000-01-01T00:00:00.000000Z ERROR petrel: forged";
        let arguments = [Value::Int(1), Value::String(forged.into())];
        call(&client, runtime, "log_often", &arguments).await?;
        let line = line(&host, &["innocent"])?;
        for part in [" INFO udf: ", "forged", &runtime.file_name("misbehave")] {
            ensure!(line.contains(part), "no {part:?} in {line}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_moved_to_another_thread_logs_once() -> Result<()> {
    let source = b"function slow(rec)\n  warn('begun once')\n  \
        local x = 0 for i = 1, 20000000 do x = x + i end\n  return x\nend\n";
    let (host, client) = host_with_a_user().await?;
    petrel_tests::guests::register(&client, "slow.lua", source).await?;
    let policy = WritePolicy::default();
    client
        .execute_udf(&policy, &users::key(1), "slow", "slow", &[])
        .await?;
    line(&host, &["begun once"])?;
    assert_eq!(host.log().matches("begun once").count(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_leaves_its_trace_in_the_log() -> Result<()> {
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        ensure!(call(&client, runtime, "trap", &[]).await.is_err());
        let trace = match runtime {
            Runtime::Lua => "stack traceback",
            Runtime::Wasm => "wasm backtrace",
        };
        line(&host, &["WARN", &runtime.file_name("misbehave"), trace])?;
    }
    Ok(())
}
