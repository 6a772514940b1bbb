//! What an author does with modules on this machine, through the program.

mod live;
mod measuring;
mod projects;
mod testing;

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use petrel_tests::host;

/// Runs `petrel udf …` in a folder.
fn udf(folder: &Path, words: &[&str]) -> Result<Output> {
    Command::new(host::binary()?)
        .arg("udf")
        .args(words)
        .current_dir(folder)
        .output()
        .context("running petrel udf")
}

/// What a command printed for people; it has to end well.
fn text(folder: &Path, words: &[&str]) -> Result<String> {
    let output = udf(folder, words)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{words:?}: {text}{errors}");
    Ok(text)
}

/// What a command printed for programs, and its exit code.
fn json(folder: &Path, words: &[&str]) -> Result<(serde_json::Value, Option<i32>)> {
    let output = udf(folder, &[words, &["--json"]].concat())?;
    let said = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((said, output.status.code()))
}
