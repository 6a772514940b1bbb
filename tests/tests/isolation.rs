//! One caller's runaway function is not another caller's trouble.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aerospike::{Bins, ReadPolicy, WritePolicy};
use anyhow::Result;
use petrel_tests::{Host, Runtime, connect, users};

/// What a get may wait for a core in any case.
const SLICE: Duration = Duration::from_millis(1);

/// Callers whose function loops until its deadline.
const LOOPERS: usize = 8;
/// Clients that just read.
const READERS: usize = 4;
/// Rounds of measuring; the median counts, since a small machine is noisy.
const ROUNDS: usize = 5;
/// How long one round takes.
const ROUND: Duration = Duration::from_millis(1_200);

/// The 99th percentile of the time that gets take over one round.
async fn p99(address: SocketAddr) -> Result<Duration> {
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            tokio::spawn(async move {
                let client = connect(address).await?;
                let policy = ReadPolicy::default();
                let mut times = Vec::new();
                let end = Instant::now() + ROUND;
                for id in (reader as i64..).step_by(7) {
                    let start = Instant::now();
                    if start > end {
                        break;
                    }
                    client
                        .get(&policy, &users::key(id % 100 + 1), Bins::All)
                        .await?;
                    times.push(start.elapsed());
                }
                client.close().await?;
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for reader in readers {
        times.extend(reader.await??);
    }
    times.sort_unstable();
    assert!(times.len() > 100, "only {} gets in {ROUND:?}", times.len());
    Ok(times[times.len() * 99 / 100])
}

async fn median_p99(address: SocketAddr) -> Result<Duration> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(p99(address).await?);
    }
    rounds.sort_unstable();
    Ok(rounds[ROUNDS / 2])
}

async fn gets_go_on(runtime: Runtime) -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 100).await?;
    let package = runtime.register(&client, "misbehave").await?;
    p99(host.address()).await?; // warms up both sides
    let idle = median_p99(host.address()).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let stopped_calls = Arc::new(AtomicU64::new(0));
    let loopers: Vec<_> = (0..LOOPERS)
        .map(|looper| {
            let (address, package) = (host.address(), package.clone());
            let (stop, stopped_calls) = (Arc::clone(&stop), Arc::clone(&stopped_calls));
            tokio::spawn(async move {
                let client = connect(address).await?;
                let mut policy = WritePolicy::default();
                policy.base_policy.total_timeout = 60_000;
                policy.base_policy.socket_timeout = 60_000;
                let key = users::key(looper as i64 + 1);
                while !stop.load(Ordering::Relaxed) {
                    let outcome = client
                        .execute_udf(&policy, &key, &package, "spin", &[])
                        .await;
                    let Err(error) = outcome else {
                        anyhow::bail!("a loop without end does not return");
                    };
                    anyhow::ensure!(error.result_code() == 100, "{error}");
                    stopped_calls.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let busy = median_p99(host.address()).await?;
    stop.store(true, Ordering::Relaxed);
    for looper in loopers {
        looper.await??;
    }

    let calls = stopped_calls.load(Ordering::Relaxed);
    println!("{runtime:?}: p99 of gets {idle:?} idle, {busy:?} beside {calls} stopped loops");
    assert!(calls > 0, "no loop was stopped");
    // A core is given up at the end of a scheduler's slice, however short an idle host's gets are.
    let bound = (idle * 5).max(SLICE);
    assert!(
        busy <= bound,
        "{runtime:?}: p99 of gets went from {idle:?} to {busy:?}"
    );
    Ok(())
}

// One test for both runtimes, so that they do not measure each other.
#[tokio::test(flavor = "multi_thread")]
async fn gets_go_on_while_functions_loop_until_their_deadline() -> Result<()> {
    for runtime in Runtime::ALL {
        gets_go_on(runtime).await?;
    }
    Ok(())
}
