//! Set-up, demo and test of the petrel workspace: `cargo xtask demo`, `cargo xtask test`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench_report;
mod demo;
mod languages;
mod set_up;
mod steps;
mod test;
#[path = "../../host/src/cli/toolchain.rs"]
mod toolchain;
mod workspace;

/// Everything that a person or a CI machine does with this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything, start a host and run the UDF guide on 100,000 users.
    Demo(demo::Options),
    /// Format, lints, docs and every test; ends with `N passed, N failed`.
    Test(test::Options),
    /// Measure each function in native Rust, Wasm and Lua, and write docs/src/benchmarks.md.
    BenchReport(bench_report::Options),
    /// Get what demo and test need: the guest toolchain, guests, Python and Node.js clients.
    SetUp,
    /// Build the example of each language from `wit/` alone, run its table of cases, and measure it.
    Languages(languages::Options),
    /// Build the example guests to target/guests-out/*.wasm.
    Guests,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::BenchReport(options) => bench_report::run(&options),
        Task::SetUp => set_up::everything().and_then(|()| set_up::node()),
        Task::Languages(options) => languages::run(&options),
        Task::Guests => set_up::host().and_then(|()| set_up::guests()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
