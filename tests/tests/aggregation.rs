//! Aggregations through the embedded API, the command line and bare frames. What the C client does
//! with them is in `tests/python`.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use aerospike::{Bins, PartitionFilter, QueryPolicy, Statement, as_val};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, future::join_all};
use petrel::model::{ResultCode, Value, msgpack};
use petrel::session::{DataSet, Session};
use petrel_tests::raw::{Message, Wire, info};
use petrel_tests::{Host, Runtime, host, users};
use serde_json::json;

/// Users in each test.
const USERS: i64 = 60;

fn set() -> DataSet {
    DataSet::of("test", users::SET)
}

/// A session with users 1 to `count`, as [`users::load`] writes them, and the module `streams`.
async fn session(count: i64) -> Result<Session> {
    let session = Session::builder().memory().build()?;
    for id in 1..=count {
        session
            .insert(set().id(id))
            .bin("id")
            .set_to(id)
            .bin("tier")
            .set_to(if id % 3 == 0 { "free" } else { "paid" })
            .bin("v")
            .set_to(id * 10)
            .execute()
            .await?;
    }
    register(&session).await?;
    Ok(session)
}

async fn register(session: &Session) -> Result<()> {
    let bytes = Runtime::Lua.module("streams")?;
    session
        .info()
        .register_udf_bytes("streams.lua", bytes)
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_host_does_the_last_reduce() -> Result<()> {
    let session = session(USERS).await?;
    let ask = |function| session.query(set()).aggregate("streams", function, ());
    assert_eq!(ask("count").execute().await?.all().await?, [60.into()]);
    let tiers = Value::map([("free".into(), 20.into()), ("paid".into(), 40.into())]);
    for (function, args) in [("by", vec!["tier".into()]), ("grouped", vec![])] {
        let stream = session
            .query(set())
            .aggregate("streams", function, args)
            .execute()
            .await?;
        let groups = stream.all().await?;
        let [Value::Map(packed)] = &groups[..] else {
            anyhow::bail!("{function} gives {groups:?}");
        };
        let groups = Value::map(msgpack::map_entries(packed)?);
        assert_eq!(groups, tiers, "{function}");
    }
    let mean = session.query(set()).aggregate("streams", "mean", "id");
    assert_eq!(mean.execute().await?.first().await?, Some(30.5.into()));
    Ok(())
}

#[tokio::test]
async fn a_filter_chooses_the_records_and_what_aggregations_lack_is_refused() -> Result<()> {
    let session = session(USERS).await?;
    let few = session.query(set()).where_("$.id <= 10");
    let sum = few.aggregate("streams", "sum", "v").execute().await?;
    assert_eq!(sum.all().await?, [550.into()]);
    let none = session.query(set()).where_("$.id > 1000");
    let sum = none.aggregate("streams", "sum", "v").execute().await?;
    assert_eq!(sum.all().await?, []);
    for query in [
        session.query(set()).limit(5),
        session.query(set()).bins(["v"]),
    ] {
        let e = query.aggregate("streams", "count", ()).execute().await;
        assert_eq!(e.unwrap_err().code(), ResultCode::ParameterError);
    }
    Ok(())
}

#[tokio::test]
async fn failures_are_the_last_word_of_the_stream() -> Result<()> {
    let session = session(USERS).await?;
    for (function, text) in [
        ("fail_filter", "streams.lua:77: in the filter"),
        ("fail_map", "arithmetic on a nil value"),
        ("fail_aggregate", "in the aggregate"),
        ("fail_reduce", "in the reduce"),
        ("fail_stream", "in the stream"),
        ("endless", "ran past its time limit"),
        ("missing", "function not found"),
    ] {
        let query = session.query(set()).aggregate("streams", function, ());
        let e = query.execute().await?.all().await.unwrap_err();
        assert_eq!(e.code(), ResultCode::UdfExecution, "{function}");
        assert!(e.to_string().contains(text), "{function}: {e}");
    }
    let query = session.query(set()).aggregate("nowhere", "f", ());
    let e = query.execute().await.unwrap_err();
    assert_eq!(e.code(), ResultCode::UdfExecution);
    Ok(())
}

#[tokio::test]
async fn an_empty_set_comes_to_what_the_end_makes_of_nothing() -> Result<()> {
    let session = session(0).await?;
    for (function, expected) in [("count", vec![]), ("names", vec![])] {
        let query = session.query(set()).aggregate("streams", function, ());
        assert_eq!(query.execute().await?.all().await?, expected, "{function}");
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_at_once() -> Result<()> {
    let session = session(USERS).await?;
    let one = async |n: i64| -> Result<i64> {
        let query = session.query(set()).where_(format!("$.id <= {n}"));
        let stream = query.aggregate("streams", "count", ()).execute().await?;
        match stream.first().await? {
            Some(Value::Int(n)) => Ok(n),
            other => anyhow::bail!("{other:?}"),
        }
    };
    for (n, count) in (1..).zip(join_all((1..=100).map(one)).await) {
        assert_eq!(count?, n.min(USERS));
    }
    Ok(())
}

fn petrel(host: &Host, words: &[&str]) -> Result<Output> {
    Ok(Command::new(host::binary()?)
        .args(words)
        .env("PETREL_HOST", host.address().to_string())
        .output()?)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A host with the users and the module `streams`.
async fn host_with_users() -> Result<Host> {
    let host = Host::memory()?;
    users::load(&host.client().await?, USERS).await?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("streams.lua");
    std::fs::write(&path, Runtime::Lua.module("streams")?)?;
    let path = path.to_str().context("a path")?;
    let registered = petrel(&host, &["udf", "register", path])?;
    ensure!(registered.status.success(), "{registered:?}");
    Ok(host)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_prints_tables_and_json() -> Result<()> {
    let host = host_with_users().await?;
    let table = out(&petrel(
        &host,
        &["aggregate", "test.users", "streams", "by", "tier"],
    )?);
    for text in ["key", "value", "free", "20", "paid", "40"] {
        assert!(table.contains(text), "{table}");
    }
    for (words, expected) in [
        (vec!["count"], json!({"values": [60]})),
        (
            vec!["by", "tier"],
            json!({"values": [{"free": 20, "paid": 40}]}),
        ),
        (
            vec!["count", "--where", "$.id <= 7"],
            json!({"values": [7]}),
        ),
        (
            vec!["sum", "v", "--rps", "100000"],
            json!({"values": [18_300]}),
        ),
        (vec!["above", "id", "1000"], json!({"values": []})),
    ] {
        let words = [vec!["--json", "aggregate", "test.users", "streams"], words].concat();
        let output = petrel(&host, &words)?;
        assert!(output.status.success(), "{output:?}");
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(printed, expected, "{words:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_takes_ranges_of_indexes() -> Result<()> {
    let host = host_with_users().await?;
    let run = |line: &str| petrel(&host, &line.split(' ').collect::<Vec<_>>());
    for index in [
        "ids --bin id --type numeric",
        "tiers --bin tier --type string",
        "elements --bin l --type numeric --in list",
    ] {
        let made = run(&format!("index create test.users {index} --wait"))?;
        ensure!(made.status.success(), "{made:?}");
    }
    let count = |range: &str| -> Result<serde_json::Value> {
        let line = format!("--json aggregate test.users streams count {range}");
        let output = run(line.trim_end())?;
        ensure!(output.status.success(), "{output:?}");
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(printed["values"][0].clone())
    };
    assert_eq!(count("--range id:20..30")?, 11);
    assert_eq!(count("--range id:55..")?, 6);
    assert_eq!(count("--range tier:free")?, 20);
    assert_eq!(count("--range tier:free --where $.id<=7")?, 2);
    // User `id` has the elements id * 31 .. id * 31 + 15, modulo 97.
    let with_40 = (1..=USERS).filter(|id| (0..16).any(|j| (id * 31 + j) % 97 == 40));
    assert_eq!(count("--range l:40 --in list")?, with_40.count());
    for (work, left) in [
        ("delete test.users --range id:..9 --wait", 51),
        ("delete test.users --range tier:free --wait", 34),
    ] {
        let done = run(&format!("background {work}"))?;
        ensure!(done.status.success(), "{done:?}");
        assert_eq!(count("")?, left, "{work}");
    }
    for line in [
        "aggregate test.users streams count --range nothing:1",
        "background touch test.users --range nothing:1",
    ] {
        let output = run(line)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("petrel index create"), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_failures_apart() -> Result<()> {
    let host = host_with_users().await?;
    for (words, code, text) in [
        (
            ["test.users", "streams", "fail_map"],
            4,
            "streams.fail_map failed: streams.lua:81:",
        ),
        (
            ["test.users", "streams", "missing"],
            5,
            "streams.missing is not there",
        ),
        (
            ["test.users", "nowhere", "f"],
            5,
            "module nowhere is not there",
        ),
        (
            ["nowhere.users", "streams", "count"],
            1,
            "there is no namespace nowhere",
        ),
    ] {
        let output = petrel(&host, &[&["aggregate"], &words[..]].concat())?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(text), "{words:?}: {said}");
    }
    let words = [
        "aggregate",
        "test.users",
        "streams",
        "count",
        "--where",
        "$.id <",
    ];
    let output = petrel(&host, &words)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("check the --where expression"), "{said}");
    Ok(())
}

/// An aggregation of the users as a client sends it.
fn aggregation(function: &str) -> Message {
    Message {
        info1: 1,
        ..Message::default()
    }
    .with(0, "test")
    .with(1, users::SET)
    .with(30, "streams")
    .with(31, function)
    .with(32, [0x90])
    .with(33, [1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_aggregation() -> Result<()> {
    let host = host_with_users().await?;
    // Some twenty seconds of work.
    let many = aggregation("slow").with(10, 3u32.to_be_bytes());
    let mut wire = Wire::open(host.address())?;
    wire.send(&many.frame())?;
    let show = || info(host.address(), "query-show");
    let started = Instant::now();
    while !show()?.contains("status=active(ok)") {
        ensure!(started.elapsed() < Duration::from_secs(5), "{}", show()?);
    }
    assert!(show()?.contains("job-type=aggregation"), "{}", show()?);
    drop(wire);
    let left = Instant::now();
    while !show()?.contains("status=done(user-aborted)") {
        ensure!(left.elapsed() < Duration::from_secs(5), "{}", show()?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_aggregation_ends_with_the_code_that_says_so() -> Result<()> {
    const QUERY_ABORTED: u8 = 210;
    let host = host_with_users().await?;
    let mut wire = Wire::open(host.address())?;
    let many = aggregation("slow")
        .with(10, 3u32.to_be_bytes())
        .with(7, 77u64.to_be_bytes());
    wire.send(&many.frame())?;
    let abort = || info(host.address(), "query-abort:trid=77");
    let started = Instant::now();
    while abort()? != "ok" {
        ensure!(started.elapsed() < Duration::from_secs(5), "it never began");
    }
    let (_, body) = wire.receive()?;
    assert_eq!((body[3], body[5]), (1, QUERY_ABORTED));
    // The connection goes on.
    assert_eq!(wire.ask(&Message::read(1))?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_timeout_is_not_kept_waiting_for_partial_values() -> Result<()> {
    let host = host_with_users().await?;
    let mut wire = Wire::open(host.address())?;
    // Some seconds of work in one batch of records, for a client that gives up after 0.6.
    let mut many = aggregation("busy").with(9, 600u32.to_be_bytes());
    many.fields.retain(|(kind, _)| *kind != 32);
    wire.send(&many.with(32, [0x91, 50]).frame())?;
    let (mut since, mut longest, mut values) = (Instant::now(), Duration::ZERO, 0);
    loop {
        let (_, body) = wire.receive()?;
        longest = longest.max(since.elapsed());
        since = Instant::now();
        if body.len() == 22 {
            assert_eq!((body[3], body[5]), (1, 0));
            break;
        }
        values += body.len() / 45;
    }
    assert!(values > 2, "{values} values");
    assert!(longest < Duration::from_millis(600), "{longest:?}");
    Ok(())
}

// Its `query_aggregate` needs a Lua of its own to reduce them, and Cargo links one Lua at most into a
// program: petrel's.
#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_gets_the_values_that_it_reduces() -> Result<()> {
    let host = host_with_users().await?;
    let client = host.client().await?;
    let policy = QueryPolicy::default();
    for (function, args, sum) in [
        ("count", vec![], USERS),
        ("sum", vec![as_val!("id")], USERS * (USERS + 1) / 2),
        ("above", vec![as_val!("id"), as_val!(50)], USERS - 50),
    ] {
        let mut statement = Statement::new("test", users::SET, Bins::All);
        statement.set_aggregate_function("streams", function, &args);
        let values = client.query(&policy, PartitionFilter::all(), statement);
        let mut values = values.await?.into_stream();
        let mut total = 0;
        while let Some(record) = values.next().await {
            match record?.bins.get("SUCCESS") {
                Some(aerospike::Value::Int(n)) => total += n,
                other => anyhow::bail!("{function} gives {other:?}"),
            }
        }
        assert_eq!(total, sum, "{function}");
    }
    let mut statement = Statement::new("test", users::SET, Bins::All);
    statement.set_aggregate_function("streams", "nothing", &[]);
    let values = client.query(&policy, PartitionFilter::all(), statement);
    let values: Vec<_> = values.await?.into_stream().collect().await;
    ensure!(values.iter().any(|value| value.is_err()), "{values:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_as_the_incumbents() -> Result<()> {
    let host = host_with_users().await?;
    let mut wire = Wire::open(host.address())?;
    wire.send(&aggregation("count").frame())?;
    let (mut sum, mut last) = (0, false);
    while !last {
        let (_, body) = wire.receive()?;
        match body.len() {
            // A header and nothing else: the end.
            22 => {
                assert_eq!((body[3], body[5]), (1, 0));
                last = true;
            }
            // An integer under the name SUCCESS.
            _ => {
                for message in body.as_chunks::<45>().0 {
                    assert_eq!(message[..22], [&[22][..], &[0; 20], &[1]].concat());
                    assert_eq!(message[22..37], *b"\0\0\0\x13\x01\x01\0\x07SUCCESS");
                    sum += message[44];
                }
            }
        }
    }
    assert_eq!(i64::from(sum), USERS);
    Ok(())
}
