//! `petrel udf test`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use petrel_tests::guests::root;
use petrel_tests::{Runtime, host};
use serde_json::json;

use super::{json, text, udf};

const MODULE: &str = "
function change(rec, by)
  rec.n = rec.n + by
  rec.old = nil
  rec.new = 'x'
  record.set_ttl(rec, 100)
  aerospike:update(rec)
  info('changed %d', rec.n)
  return map { n = rec.n }
end
function same(rec, name) return rec[name] end
function gone(rec) aerospike:remove(rec) return 1 end
function made(rec) rec.a = 1 aerospike:create(rec) end
function wrong(rec) error('no such tier') end
";

#[test]
fn both_runtimes_pass_the_cases_of_the_examples() -> Result<()> {
    let lua = root().join("udfs/lua");
    for module in ["my_module", "aggregate"] {
        let fixture = lua.join(format!("{module}.fixtures.yaml"));
        let fixture = fixture.to_str().context("path")?;
        for runtime in Runtime::ALL {
            let dir = tempfile::tempdir()?;
            let file = runtime.file_name(module);
            std::fs::write(dir.path().join(&file), runtime.module(module)?)?;
            let said = text(dir.path(), &["test", &file, "--fixtures", fixture])?;
            ensure!(!said.contains("FAIL"), "{said}");
        }
    }
    Ok(())
}

#[test]
fn a_case_shows_result_changes_log_and_figures() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), MODULE)?;
    let fixture = "
records: {r: {key: 1, set: s, generation: 7, bins: {n: 1, old: 2}}}
cases: [{function: change, args: [2], record: r, expect: {ttl: 100, log: changed 3, unchanged: false}}]
";
    std::fs::write(dir.path().join("fixtures.yaml"), fixture)?;
    let (said, code) = json(dir.path(), &["test", "m.lua"])?;
    ensure!(code == Some(0), "{said}");
    let case = &said["cases"][0];
    ensure!(case["result"] == json!({"n": 3}), "{case}");
    let changes = case["changes"].as_array().context("no changes")?;
    let names: Vec<_> = changes.iter().filter_map(|c| c["name"].as_str()).collect();
    ensure!(
        names == ["n", "old", "new", "(ttl)", "(generation)"],
        "{case}"
    );
    ensure!(changes[4]["after"] == json!(8), "{case}");
    ensure!(case["log"] == json!([{"level": "info", "message": "changed 3"}]));
    ensure!(case["nanoseconds"].as_u64() > Some(0) && case["memory_bytes"].as_u64() > Some(0));
    Ok(())
}

#[test]
fn what_does_not_hold_is_told_and_ends_with_code_1() -> Result<()> {
    let rows = [
        (
            "same, args: [n], record: r, expect: {result: 2}",
            "expected the result 2, had 1",
        ),
        (
            "same, args: [n], record: r, expect: {error: x}",
            "expected an error with \"x\", had the result 1",
        ),
        (
            "same, args: [n], record: r, expect: {unchanged: false}",
            "expected the record changed",
        ),
        (
            "same, args: [n], record: r, expect: {log: hello}",
            "expected a log line with \"hello\"",
        ),
        (
            "same, args: [n], record: r, expect: {record: {n: 1}}",
            "expected no bin old, it is 2",
        ),
        (
            "gone, record: r, expect: {bins: {n: 1}}",
            "expected the bin n to be 1, it is not there",
        ),
        (
            "gone, record: r, expect: {removed: false}",
            "expected the record to stay",
        ),
        (
            "made, expect: {bins: {a: null}}",
            "expected the bin a to be null, it is 1",
        ),
        (
            "change, args: [1], record: r, expect: {ttl: 7}",
            "expected a TTL of 7 s, it is 100 s",
        ),
        ("wrong, record: r", "m.lua:14: no such tier"),
        ("missing, record: r", "function not found"),
        ("same, record: q", "no record is named q; there are: r"),
    ];
    for (case, expected) in rows {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("m.lua"), MODULE)?;
        let fixture =
            format!("records: {{r: {{bins: {{n: 1, old: 2}}}}}}\ncases: [{{function: {case}}}]\n");
        std::fs::write(dir.path().join("fixtures.yaml"), fixture)?;
        let (said, code) = json(dir.path(), &["test"])?;
        let wrong = said["cases"][0]["wrong"].to_string().replace('\\', "");
        ensure!(
            code == Some(1) && wrong.contains(expected),
            "{case}: {code:?} {wrong}"
        );
    }
    Ok(())
}

#[test]
fn values_of_every_type_go_through_a_function() -> Result<()> {
    let values = [
        "7",
        "-9223372036854775808",
        "2.5",
        "true",
        "\"7\"",
        "[1,[\"a\"]]",
        "{\"a\":{\"b\":null}}",
        "{\"$map\":[[1,\"a\"]]}",
        "{\"$blob\":\"AQID\"}",
        "{\"$geo\":\"{\\\"type\\\":\\\"Point\\\",\\\"coordinates\\\":[1.5,2.5]}\"}",
    ];
    let cases: Vec<_> = values
        .iter()
        .map(|v| {
            format!(
                "{{\"function\":\"same\",\"args\":[\"b\"],\"record\":{{\"bins\":{{\"b\":{v}}}}},\
                 \"expect\":{{\"result\":{v},\"unchanged\":true}}}}"
            )
        })
        .collect();
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), MODULE)?;
    let fixture = format!("{{\"cases\":[{}]}}", cases.join(","));
    std::fs::write(dir.path().join("m.fixtures.json"), fixture)?;
    let said = text(dir.path(), &["test", "m.lua"])?;
    ensure!(said.contains("10 of 10 cases passed"), "{said}");
    Ok(())
}

#[test]
fn a_function_is_tried_on_records_of_a_file() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), MODULE)?;
    std::fs::write(dir.path().join("ann.yaml"), "bins: {n: 40}")?;
    let words = [
        "test",
        "m.lua",
        "--record",
        "ann.yaml",
        "--function",
        "change",
        "--arg",
        "2",
    ];
    let said = text(dir.path(), &words)?;
    ensure!(
        said.contains("change(2) on ann") && said.contains("~ n: 40 -> 42"),
        "{said}"
    );
    Ok(())
}

#[test]
fn mistakes_in_a_module_or_a_fixture_are_told_with_their_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(
        dir.path().join("m.lua"),
        "function f(rec)\n  return return\nend\n",
    )?;
    std::fs::write(
        dir.path().join("fixtures.yaml"),
        "cases:\n  - function: f\n    recrd: x\n",
    )?;
    let error = |words: &[&str]| -> Result<(String, Option<i32>)> {
        let output = udf(dir.path(), words)?;
        Ok((String::from_utf8(output.stderr)?, output.status.code()))
    };
    let (said, code) = error(&["test", "m.lua"])?;
    ensure!(
        code == Some(1) && said.contains("recrd") && said.contains("line 3"),
        "{said}"
    );
    std::fs::write(dir.path().join("fixtures.yaml"), "cases: [{function: f}]")?;
    let (said, code) = error(&["test", "m.lua"])?;
    ensure!(code == Some(4) && said.contains("m.lua:2:"), "{said}");
    Ok(())
}

#[test]
fn an_aggregation_that_does_not_merge_is_found_out() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let module = "
function mean(s)
  local function v(rec) return rec.v end
  local function half(a, b) return (a + b) // 2 end
  return s : map(v) : reduce(half)
end
";
    std::fs::write(dir.path().join("m.lua"), module)?;
    let records: Vec<_> = [8, 8, 8, 0]
        .map(|v| format!("{{bins: {{v: {v}}}}}"))
        .to_vec();
    let fixture = format!(
        "cases: [{{function: mean, records: [{}], expect: {{values: [4]}}}}]",
        records.join(", ")
    );
    std::fs::write(dir.path().join("fixtures.yaml"), fixture)?;
    let (said, code) = json(dir.path(), &["test"])?;
    let wrong = said["cases"][0]["wrong"][0].as_str().unwrap_or_default();
    ensure!(code == Some(1), "{said}");
    ensure!(
        wrong.contains("two halves of the records, merged, come to [6]"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_saved_file_is_tested_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let module = |n: i32| {
        let text = format!("function f(rec)\n  return {n}\nend\n");
        std::fs::write(dir.path().join("m.lua"), text)
    };
    module(1)?;
    std::fs::write(dir.path().join("fixtures.yaml"), "cases: [{function: f}]")?;
    let mut child = Command::new(host::binary()?)
        .args(["udf", "test", "m.lua", "--watch"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let out = child.stdout.take().context("no pipe")?;
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let shows = |text: &str| {
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
            if line.trim() == text {
                return true;
            }
        }
        false
    };
    let first = shows("result 1");
    module(22)?;
    let second = shows("result 22");
    child.kill()?;
    child.wait()?;
    ensure!(first && second, "first {first}, second {second}");
    Ok(())
}

#[test]
fn limits_and_grants_are_those_of_a_hosts_configuration() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let module = "
function long(rec) return string.rep('x', 100) end
function clock(rec) return petrel ~= nil and petrel.now() > 1e9 end
";
    std::fs::write(dir.path().join("m.lua"), module)?;
    let fixture = "cases: [{function: long}, {function: clock, expect: {result: true}}]";
    std::fs::write(dir.path().join("fixtures.yaml"), fixture)?;
    let config = "[limits]\nresult-bytes = 10\n[module.m.grants]\nwall-clock = true\n";
    std::fs::write(dir.path().join("petrel.toml"), config)?;
    let passed = |words: &[&str]| -> Result<Vec<bool>> {
        let cases = json(dir.path(), words)?.0["cases"].clone();
        let cases = cases.as_array().context("no cases")?.clone();
        Ok(cases.iter().map(|case| case["passed"] == true).collect())
    };
    ensure!(passed(&["test"])? == [true, false]);
    ensure!(passed(&["test", "--config", "petrel.toml"])? == [false, true]);
    Ok(())
}
