//! What an author does with a server: `petrel udf register --watch`, `diff` and `capture`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use aerospike::{Bin, Bins, Key, ReadPolicy, Value, WritePolicy};
use anyhow::{Context, Result, ensure};
use petrel::udf::package_of;
use petrel_tests::guests::register;
use petrel_tests::{Host, Runtime, host};

use super::text;

const OLD: &[u8] =
    b"function add(rec, by) rec.n = rec.n + by aerospike:update(rec) return rec.n end";
/// Adds twice to what is odd.
const NEW: &str = "function add(rec, by) rec.n = rec.n + by * (1 + rec.n % 2) aerospike:update(rec) return rec.n end";

/// Runs `petrel udf …` with a host.
fn udf(folder: &Path, host: &Host, words: &[&str]) -> Result<Output> {
    Command::new(host::binary()?)
        .arg("udf")
        .args(words)
        .current_dir(folder)
        .env("PETREL_HOST", host.address().to_string())
        .output()
        .context("running petrel udf")
}

async fn records(host: &Host, count: i64) -> Result<()> {
    let client = host.client().await?;
    for n in 0..count {
        let key = Key::new("test", "users", Value::Int(n))?;
        let bins = [Bin::new("n".to_owned(), Value::Int(n))];
        client.put(&WritePolicy::default(), &key, &bins).await?;
    }
    Ok(())
}

#[tokio::test]
async fn two_versions_are_compared_on_live_records_without_storing() -> Result<()> {
    let host = Host::memory()?;
    records(&host, 10).await?;
    register(&host.client().await?, "m.lua", OLD).await?;
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), NEW)?;
    let words = [
        "diff",
        "m",
        "m.lua",
        "--on",
        "test.users",
        "--function",
        "add",
        "--arg",
        "3",
        "--json",
    ];
    let output = udf(dir.path(), &host, &words)?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure!(output.status.code() == Some(1), "{said}");
    ensure!(said["records"] == 10 && said["differ"] == 5, "{said}");
    let first = &said["differences"][0];
    ensure!(
        first["what"] == "result" && first["registered"] != first["new"],
        "{said}"
    );

    std::fs::write(dir.path().join("m.lua"), OLD)?;
    let output = udf(dir.path(), &host, &words)?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );

    let key = Key::new("test", "users", Value::Int(3))?;
    let read = host
        .client()
        .await?
        .get(&ReadPolicy::default(), &key, Bins::All)
        .await?;
    ensure!(
        read.bins["n"] == Value::Int(3) && read.generation == 1,
        "{read:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_captured_record_is_a_fixture() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    let key = Key::new("test", "users", Value::String("ann".to_owned()))?;
    let bins = [
        Bin::new("n".to_owned(), Value::Int(41)),
        Bin::new("raw".to_owned(), Value::Blob(vec![1, 2, 255])),
        Bin::new(
            "tags".to_owned(),
            Value::List(vec![Value::Int(1), Value::String("y".to_owned())]),
        ),
    ];
    client.put(&WritePolicy::default(), &key, &bins).await?;
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), OLD)?;
    let words = [
        "capture",
        "test.users:ann",
        "--function",
        "add",
        "--arg",
        "1",
        "--out",
        "ann.yaml",
    ];
    let output = udf(dir.path(), &host, &words)?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = text(dir.path(), &["test", "m.lua", "--fixtures", "ann.yaml"])?;
    ensure!(
        said.contains("~ n: 41 -> 42") && said.contains("1 of 1"),
        "{said}"
    );
    let yaml = std::fs::read_to_string(dir.path().join("ann.yaml"))?;
    ensure!(yaml.contains("$blob: AQL/"), "{yaml}");
    let again = udf(dir.path(), &host, &words)?;
    ensure!(again.status.code() == Some(1), "wrote over a file");
    let missing = udf(
        dir.path(),
        &host,
        &["capture", "test.users:bob", "--function", "add"],
    )?;
    ensure!(missing.status.code() == Some(5));
    Ok(())
}

#[tokio::test]
async fn what_passes_its_cases_is_registered_on_save() -> Result<()> {
    let host = Host::memory()?;
    records(&host, 1).await?;
    let dir = tempfile::tempdir()?;
    let save = |text: &str| std::fs::write(dir.path().join("m.lua"), text);
    let returns = |n: i32| format!("function f(rec) return {n} end\n");
    save(&returns(1))?;
    let fixture = "cases: [{function: f, expect: {unchanged: true}}]";
    std::fs::write(dir.path().join("fixtures.yaml"), fixture)?;
    let mut child = Command::new(host::binary()?)
        .args(["udf", "register", "m.lua", "--watch"])
        .current_dir(dir.path())
        .env("PETREL_HOST", host.address().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let errors = BufReader::new(child.stderr.take().context("no pipe")?);
    let client = host.client().await?;
    let key = Key::new("test", "users", Value::Int(0))?;
    let watched = async {
        let gives = async |n: i64| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(20) {
                let result = client
                    .execute_udf(&WritePolicy::default(), &key, "m", "f", &[])
                    .await;
                if matches!(result, Ok(Some(Value::Int(got))) if got == n) {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        };
        ensure!(gives(1).await, "the first version");
        save(&returns(22))?;
        ensure!(gives(22).await, "the second version");
        save("function f(rec) aerospike:create(rec) error('worse') end")?;
        let refused = errors
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("still runs"));
        ensure!(refused && gives(22).await, "a version that fails its case");
        save(&returns(333))?;
        ensure!(gives(333).await, "the last version");
        Ok(())
    };
    let ended = watched.await;
    child.kill()?;
    child.wait()?;
    ended
}

#[tokio::test]
async fn a_registered_module_is_looked_into_as_a_file_is() -> Result<()> {
    let host = Host::memory()?;
    let dir = tempfile::tempdir()?;
    for runtime in Runtime::ALL {
        let file = runtime.file_name("my_module");
        let bytes = runtime.module("my_module")?;
        std::fs::write(dir.path().join(&file), &bytes)?;
        register(&host.client().await?, &file, &bytes).await?;
        let look = |name: &str| -> Result<serde_json::Value> {
            let output = udf(dir.path(), &host, &["inspect", name, "--json"])?;
            Ok(serde_json::from_slice(&output.stdout)?)
        };
        let (here, there) = (look(&file)?, look(package_of(&file))?);
        ensure!(there["from"] == host.address().to_string(), "{there}");
        for field in [
            "module",
            "runtime",
            "engine",
            "bytes",
            "imports",
            "functions",
        ] {
            ensure!(
                here[field] == there[field] && !here[field].is_null(),
                "{here} {there}"
            );
        }
        let names: Vec<_> = here["functions"]
            .as_array()
            .context("no functions")?
            .iter()
            .filter_map(|function| function["name"].as_str())
            .collect();
        ensure!(names.contains(&"transform_record"), "{names:?}");
        ensure!(here["memory_bytes"].as_u64() > Some(10_000), "{here}");
    }
    let missing = udf(dir.path(), &host, &["inspect", "nothing"])?;
    ensure!(missing.status.code() == Some(5));
    Ok(())
}
