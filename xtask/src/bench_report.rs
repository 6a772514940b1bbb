//! `cargo xtask bench-report`: measures, and writes the book's page of benchmarks.

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// Whether to measure.
#[derive(Args)]
pub struct Options {
    /// Measure nothing: write the page of what was measured last.
    #[arg(long)]
    no_run: bool,
}

/// Runs every bench, then the program that makes the page.
pub fn run(options: &Options) -> Result<()> {
    let benches = ["--locked", "--package=petrel-benches"];
    if !options.no_run {
        workspace::run(workspace::cargo().arg("bench").args(benches))?;
    }
    workspace::run(
        workspace::cargo()
            .args(["run", "--release", "--example=report"])
            .args(benches)
            .arg("--")
            .arg(workspace::target().join("criterion"))
            .arg(workspace::root().join("docs/src")),
    )
}
