//! `cargo xtask test`: every check that a change has to pass.

use anyhow::Result;
use clap::Args;

use crate::languages::{self, Language};
use crate::steps::Steps;
use crate::{set_up, workspace};

/// Which part of the checks to run.
#[derive(Args)]
pub struct Options {
    /// Leave out format, lints and docs.
    #[arg(long)]
    tests_only: bool,
}

const GUESTS: &str = "guests";
const PYTHON: &str = "python clients";
const NODE: &str = "node client";
const HOST: &str = "build";
const C: &str = "example in C";

/// Runs all steps and ends with the line `N passed, N failed`.
pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    if !options.tests_only {
        steps.run("format", format);
        steps.run("lints", lints);
        steps.run("features", features);
        steps.run("docs", docs);
    }
    steps.run(HOST, build);
    steps.run_after(&[HOST], GUESTS, set_up::guests);
    steps.run("guests as plain Rust", guest_tests);
    steps.run(C, || languages::build(Language::C));
    steps.run(PYTHON, set_up::python);
    steps.run(NODE, set_up::node);
    steps.run_after(&[GUESTS, C, PYTHON, HOST], "rust tests", rust_tests);
    steps.run_after(&[GUESTS, PYTHON, HOST], "python tests", python_tests);
    steps.run_after(&[GUESTS, NODE, HOST], "node tests", node_tests);
    steps.finish()
}

fn format() -> Result<()> {
    workspace::run(workspace::cargo().args(["fmt", "--all", "--check"]))?;
    workspace::run(workspace::cargo().args([
        "fmt",
        "--manifest-path=udfs/rust/Cargo.toml",
        "--all",
        "--check",
    ]))
}

// Lints and docs share the release profile with the tests, so that build scripts run once.
fn lints() -> Result<()> {
    workspace::run(workspace::cargo().args([
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

// For those who embed the host: less than all of it compiles too, and has nothing idle in it.
fn features() -> Result<()> {
    for feature in ["", "lua", "wasm", "durable", "server", "cli"] {
        workspace::run(workspace::cargo().args([
            "clippy",
            "--release",
            "--locked",
            "--package=petrel",
            "--lib",
            "--no-default-features",
            "--features",
            feature,
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    Ok(())
}

fn docs() -> Result<()> {
    workspace::run(
        workspace::cargo()
            .args(["doc", "--release", "--locked", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

// The examples are plain functions, so their own tests run natively, without a host.
fn guest_tests() -> Result<()> {
    workspace::run(
        workspace::cargo()
            .args(["test", "--release", "--locked"])
            .arg("--manifest-path=udfs/rust/Cargo.toml")
            .arg("--target-dir")
            .arg(workspace::target().join("guests-native")),
    )
}

// Builds the host's program too, with the very features that the tests use.
fn build() -> Result<()> {
    workspace::run(workspace::cargo().args([
        "test",
        "--release",
        "--locked",
        "--workspace",
        "--no-run",
    ]))
}

fn rust_tests() -> Result<()> {
    workspace::run(workspace::with_paths(&mut workspace::cargo()).args([
        "test",
        "--release",
        "--locked",
        "--workspace",
    ]))
}

fn python_tests() -> Result<()> {
    let mut python = workspace::command(workspace::python());
    workspace::run(workspace::with_paths(&mut python).args([
        "-m",
        "unittest",
        "discover",
        "-v",
        "-s",
        "tests/python",
    ]))
}

fn node_tests() -> Result<()> {
    let mut node = workspace::command("node");
    workspace::run(workspace::with_paths(&mut node).args(["--test", "tests/node/"]))
}
