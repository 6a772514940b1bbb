//! `petrel udf`: from a function's first line to the server that runs it.

use std::path::PathBuf;

use clap::Subcommand;

use super::bench::BenchArgs;
use super::build::BuildArgs;
use super::capture::CaptureArgs;
use super::diff::DiffArgs;
use super::inspect::InspectArgs;
use super::new::NewArgs;
use super::register::{RegisterArgs, list, remove};
use super::test::TestArgs;
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::global::GlobalArgs;
use crate::cli::grants::grants;
use crate::cli::output::Output;
use crate::cli::show::show;

/// What to do with modules.
#[derive(Debug, Subcommand)]
pub enum UdfCommand {
    /// Make a project with a function, its fixture file and its tests.
    New(NewArgs),
    /// Register a Lua file or a Wasm component, or replace the one of that name.
    Register(RegisterArgs),
    /// List the registered modules.
    List,
    /// Print a module's Lua source, or what is known about a Wasm component.
    Show {
        /// The module, with or without extension.
        name: String,
        /// Write the module's bytes to this file instead.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print what a module may reach beside its record.
    Grants {
        /// The module, with or without extension.
        name: String,
    },
    /// Remove a module.
    Remove {
        /// The module, with or without extension.
        name: String,
    },
    /// Build a Rust crate that uses petrel-udf into NAME.wasm.
    Build(BuildArgs),
    /// Run functions on the records of a fixture file, without a server.
    Test(TestArgs),
    /// Show what a module offers, wants and weighs.
    Inspect(InspectArgs),
    /// Measure a function in this process, in either runtime, beside an empty one.
    Bench(BenchArgs),
    /// Compare a new version of a module with the registered one on live records; nothing is stored.
    Diff(DiffArgs),
    /// Make a fixture of a record of a server.
    Capture(CaptureArgs),
}

impl UdfCommand {
    /// Runs the command.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        match self {
            Self::Register(register) => register.run(global, output).await,
            Self::List => list(&Server::connect(global).await?, output).await,
            Self::Show { name, output: file } => {
                let server = Server::connect(global).await?;
                show(&server, name, file.as_deref(), output).await
            }
            Self::Grants { name } => grants(&Server::connect(global).await?, name, output).await,
            Self::Remove { name } => {
                let server = Server::connect(global).await?;
                remove(&server, name, output).await
            }
            Self::New(new) => new.run(output),
            Self::Build(build) => build.run(output),
            Self::Test(test) => test.run(output).await,
            Self::Inspect(inspect) => inspect.run(global, output).await,
            Self::Bench(bench) => bench.run(output).await,
            Self::Diff(diff) => diff.run(global, output).await,
            Self::Capture(capture) => capture.run(global, output).await,
        }
    }
}
