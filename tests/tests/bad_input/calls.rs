//! Calls that cannot succeed, on both runtimes: each fails alone, writes nothing, and in time.

use std::time::{Duration, Instant};

use aerospike::{
    BatchOperation, BatchPolicy, BatchUdfPolicy, Bins, Client, Error, ResultCode, Statement, Value,
    WritePolicy,
};
use anyhow::{Context, Result, ensure};
use petrel_tests::{Host, Runtime, users};

use crate::{UDF_CODE, host_with_a_user, says, still_serves};

/// A policy that waits longer than any limit of the host, so that the host's answer is seen.
fn patient() -> WritePolicy {
    let mut policy = WritePolicy::default();
    policy.base_policy.total_timeout = 20_000;
    policy.base_policy.socket_timeout = 20_000;
    policy
}

async fn fails(client: &Client, package: &str, function: &str, args: &[Value]) -> Result<Error> {
    let started = Instant::now();
    let error = client
        .execute_udf(&patient(), &users::key(1), package, function, args)
        .await
        .err()
        .with_context(|| format!("{package}.{function} succeeded"))?;
    let took = started.elapsed();
    ensure!(
        took < Duration::from_secs(8),
        "{package}.{function} failed only after {took:?}"
    );
    Ok(error)
}

async fn untouched(client: &Client) -> Result<()> {
    let record = users::read(client, 1)
        .await?
        .context("the record is gone")?;
    ensure!(
        record.bins.get("v") == Some(&Value::Int(10)),
        "v is {:?}",
        record.bins.get("v")
    );
    ensure!(
        record.generation == 1,
        "generation is {}",
        record.generation
    );
    Ok(())
}

/// Calls a function of `misbehave` on both runtimes and checks the error and what is left.
async fn misbehaves(function: &str, arguments: &[Value], parts: &[&str]) -> Result<()> {
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        let package = runtime.register(&client, "misbehave").await?;
        let error = fails(&client, &package, function, arguments).await?;
        says(&error, UDF_CODE, parts).with_context(|| format!("{runtime:?}"))?;
        untouched(&client)
            .await
            .with_context(|| format!("{runtime:?}"))?;
        still_serves(&host).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_throws_writes_nothing_and_its_words_arrive() -> Result<()> {
    misbehaves(
        "throw",
        &["thrown on purpose".into()],
        &["thrown on purpose"],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_traps_writes_nothing() -> Result<()> {
    misbehaves("trap", &[], &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_loops_for_ever_is_stopped() -> Result<()> {
    misbehaves("spin", &[], &["time"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_calls_itself_for_ever_is_stopped() -> Result<()> {
    misbehaves("deep", &[], &["stack"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_beyond_the_limit_is_refused() -> Result<()> {
    misbehaves("big", &[Value::Int(4 << 20)], &["result"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_eats_memory_is_stopped() -> Result<()> {
    for runtime in Runtime::ALL {
        // A busy machine may take longer than the usual time to hand out so much memory.
        let host = Host::configured("[limits]\ntime-ms = 6000\n")?;
        let client = host.client().await?;
        users::load(&client, 1).await?;
        let package = runtime.register(&client, "misbehave").await?;
        let before = host.peak_memory()?;
        for _ in 0..3 {
            let error = fails(&client, &package, "eat", &[]).await?;
            says(&error, UDF_CODE, &["memory"]).with_context(|| format!("{runtime:?}"))?;
        }
        let grown = host.peak_memory()?.saturating_sub(before);
        assert!(
            grown < 256 << 20,
            "{runtime:?}: the host grew by {} MiB",
            grown >> 20
        );
        untouched(&client).await?;
        still_serves(&host).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pcall_does_not_swallow_the_limits() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    let package = Runtime::Lua.register(&client, "misbehave").await?;
    for function in [
        "stubborn",
        "stubborn_xpcall",
        "stubborn_coroutine",
        "eat_and_catch",
    ] {
        let error = fails(&client, &package, function, &[]).await?;
        says(&error, UDF_CODE, &[]).with_context(|| function.to_owned())?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_long_step_inside_the_library_is_bounded_too() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    let package = Runtime::Lua.register(&client, "misbehave").await?;
    for function in ["eat_at_once", "slow_pattern"] {
        let error = fails(&client, &package, function, &[]).await?;
        says(&error, UDF_CODE, &[]).with_context(|| function.to_owned())?;
        untouched(&client).await?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_stopped_serves_the_next_call() -> Result<()> {
    for runtime in Runtime::ALL {
        let (_host, client) = host_with_a_user().await?;
        let bad = runtime.register(&client, "misbehave").await?;
        let good = runtime.register(&client, "bench").await?;
        for function in ["spin", "trap", "eat", "throw"] {
            fails(&client, &bad, function, &[]).await?;
            for _ in 0..16 {
                let result = client
                    .execute_udf(&patient(), &users::key(1), &good, "noop", &[])
                    .await?;
                assert_eq!(result, Some(Value::Int(1)), "{runtime:?} after {function}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_module_or_function_is_named_in_the_error() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    let error = fails(&client, "nobody", "f", &[]).await?;
    says(&error, UDF_CODE, &["nobody"])?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        for function in ["nothing", "_start", "print", "aerospike"] {
            let error = fails(&client, &package, function, &[]).await?;
            says(&error, UDF_CODE, &["function not found"])
                .with_context(|| format!("{runtime:?} {function:?}"))?;
        }
    }
    untouched(&client).await?;
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_fail_and_write_nothing() -> Result<()> {
    for runtime in Runtime::ALL {
        let (host, client) = host_with_a_user().await?;
        let package = runtime.register(&client, "bench").await?;
        for arguments in [vec![], vec![Value::String("x".into())], vec![Value::Nil]] {
            let error = fails(&client, &package, "bump", &arguments).await?;
            says(&error, UDF_CODE, &[]).with_context(|| format!("{runtime:?} {arguments:?}"))?;
            untouched(&client).await?;
        }
        still_serves(&host).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_of_a_component_are_told_from_right_ones() -> Result<()> {
    let (_host, client) = host_with_a_user().await?;
    let package = Runtime::Wasm.register(&client, "bench").await?;
    let error = fails(&client, &package, "bump", &[]).await?;
    says(&error, UDF_CODE, &["argument"])?;
    let error = fails(&client, &package, "bump", &[Value::String("x".into())]).await?;
    says(&error, UDF_CODE, &["argument", "integer"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_list_that_is_not_one_is_refused() -> Result<()> {
    use petrel_tests::raw::{Message, Wire};
    let (host, client) = host_with_a_user().await?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        for arguments in [
            &b"\xc1"[..],
            b"\x01",
            b"\x95\x01",
            b"\xdd\xff\xff\xff\xff",
            b"\x91\xa9ab",
        ] {
            let mut message = Message::read(1)
                .with(30, package.clone())
                .with(31, "bump")
                .with(32, arguments)
                .with(33, [0]);
            message.info1 = 0;
            message.info2 = 1;
            let code = Wire::open(host.address())?.ask(&message)?;
            assert!(
                code != 0,
                "{runtime:?}: {arguments:?} was taken as arguments"
            );
        }
    }
    untouched(&client).await?;
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_batch_only_the_failing_records_fail() -> Result<()> {
    let source = b"function odd(rec)\n  rec.v = rec.v + 1\n  aerospike:update(rec)\n  \
        if rec.id % 2 == 1 then error('odd') end\n  return rec.v\nend\n";
    let (_host, client) = host_with_a_user().await?;
    users::load(&client, 10).await?;
    petrel_tests::guests::register(&client, "odd.lua", source).await?;
    let policy = BatchUdfPolicy::default();
    let mut calls: Vec<_> = (1..=10)
        .map(|id| BatchOperation::udf(&policy, users::key(id), "odd", "odd", vec![]))
        .collect();
    // The call as a whole may report that rows failed; the rows tell which.
    let _ = client.batch(&BatchPolicy::default(), &mut calls).await;
    for (id, call) in (1..).zip(&calls) {
        let stored = users::read(&client, id)
            .await?
            .context("the record is gone")?;
        let (code, v) = if id % 2 == 1 {
            (ResultCode::UdfBadResponse, id * 10)
        } else {
            (ResultCode::Ok, id * 10 + 1)
        };
        assert_eq!(call.result_code(), Some(code), "user {id}: {call:?}");
        assert_eq!(stored.bins.get("v"), Some(&Value::Int(v)), "user {id}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_background_the_failing_records_are_counted() -> Result<()> {
    for runtime in Runtime::ALL {
        let host = Host::memory()?;
        let client = host.client().await?;
        users::load(&client, 50).await?;
        let package = runtime.register(&client, "misbehave").await?;
        for (function, arguments) in [("throw", vec!["no".into()]), ("trap", vec![])] {
            let statement = Statement::new("test", users::SET, Bins::All);
            let task = client
                .query_execute_udf(&patient(), statement, &package, function, &arguments)
                .await?;
            let progress = task
                .wait_for_progress(Some(Duration::from_secs(20)), Duration::from_millis(20))
                .await?;
            assert_eq!(
                (progress.succeeded, progress.failed),
                (0, 50),
                "{runtime:?} {function}"
            );
        }
        for (id, user) in users::read_all(&client).await? {
            assert_eq!(user.bins.get("v"), Some(&Value::Int(id * 10)));
        }
        still_serves(&host).await?;
    }
    Ok(())
}
