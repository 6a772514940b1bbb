//! `petrel udf bench`.

use anyhow::{Context, Result, ensure};
use petrel_tests::Runtime;

use super::{json, udf};

#[test]
fn both_runtimes_are_measured_side_by_side_and_beside_an_empty_function() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for runtime in Runtime::ALL {
        let file = runtime.file_name("my_module");
        std::fs::write(dir.path().join(file), runtime.module("my_module")?)?;
    }
    let words = [
        "bench",
        "my_module.lua",
        "--against",
        "my_module_wasm.wasm",
        "--function",
        "get_computed_value",
        "--arg",
        "2",
        "--batch",
        "1",
        "--batch",
        "8",
        "--seconds",
        "0.05",
    ];
    let (said, code) = json(dir.path(), &words)?;
    let rows = said.as_array().context("no rows")?;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["module"].as_str().unwrap_or_default(),
                row["batch"].as_u64(),
            )
        })
        .collect();
    ensure!(code == Some(0), "{said}");
    ensure!(
        told == [
            ("my_module.lua", Some(1)),
            ("my_module.lua", Some(8)),
            ("my_module_wasm.wasm", Some(1)),
            ("my_module_wasm.wasm", Some(8))
        ],
        "{said}"
    );
    for row in rows {
        let figure = |name: &str| row[name].as_f64().unwrap_or_default();
        let (low, high) = (figure("low"), figure("high"));
        ensure!(
            low > 0.0 && low <= figure("nanoseconds") && figure("nanoseconds") <= high,
            "{row}"
        );
        ensure!(
            figure("empty_nanoseconds") > 0.0 && figure("memory_bytes") > 0.0,
            "{row}"
        );
    }
    Ok(())
}

#[test]
fn a_function_that_fails_is_not_measured() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("m.lua"), "function f(rec) error('no') end")?;
    let output = udf(
        dir.path(),
        &["bench", "m.lua", "--function", "f", "--seconds", "0.05"],
    )?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(4) && said.contains("m.lua:1: no"),
        "{said}"
    );
    Ok(())
}
