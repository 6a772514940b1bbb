//! What cargo makes of the workspace.

use std::backtrace::Backtrace;
use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// The dependencies of a selection of crates, each with the features that it is compiled with.
fn resolved(selection: &[&str]) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--prefix=none", "--format={p} [{f}]"])
        .args(selection)
        .current_dir(root())
        .output()
        .context("cannot run cargo tree")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree: {errors}");
    let tree = String::from_utf8(output.stdout)?;
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(lines.map(str::to_owned).collect())
}

// Else the commands that build the host and those that build the tests would each compile
// the large dependencies for themselves.
#[test]
fn the_host_alone_has_the_same_dependencies_as_the_whole_workspace() -> Result<()> {
    let host = resolved(&["--package=petrel", "--edges=normal,build"])?;
    let workspace = resolved(&["--workspace", "--edges=normal,build,dev"])?;
    let apart: Vec<&String> = host.difference(&workspace).collect();
    ensure!(
        apart.is_empty(),
        "compiled twice, with other features: {apart:#?}"
    );
    Ok(())
}

#[test]
fn a_backtrace_has_functions_and_lines() {
    let line = line!() + 1;
    let trace = Backtrace::force_capture().to_string();
    assert!(
        trace.contains("a_backtrace_has_functions_and_lines"),
        "{trace}"
    );
    assert!(trace.contains(&format!("build.rs:{line}:")), "{trace}");
}
