//! `petrel udf`: from a function's first line to the server that runs it.

use std::path::PathBuf;

use clap::Subcommand;

use super::build::BuildArgs;
use super::register::{list, register, remove, server_name};
use super::test::TestArgs;
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::global::GlobalArgs;
use crate::cli::output::Output;
use crate::cli::show::show;

/// What to do with modules.
#[derive(Debug, Subcommand)]
pub enum UdfCommand {
    /// Register a Lua file or a Wasm component, or replace the one of that name.
    Register {
        /// The module's file.
        file: PathBuf,
        /// The name on the server [default: the file's name].
        #[arg(long)]
        name: Option<String>,
    },
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
    /// Remove a module.
    Remove {
        /// The module, with or without extension.
        name: String,
    },
    /// Build a Rust crate that uses petrel-udf into NAME.wasm.
    Build(BuildArgs),
    /// Run functions on the records of a fixture file, without a server.
    Test(TestArgs),
}

impl UdfCommand {
    /// Runs the command.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        match self {
            Self::Register { file, name } => {
                let body = std::fs::read(file).map_err(|source| CliError::file(file, source))?;
                let name = server_name(file, name.as_deref())?;
                let server = Server::connect(global).await?;
                register(&server, &name, &body, output).await
            }
            Self::List => list(&Server::connect(global).await?, output).await,
            Self::Show { name, output: file } => {
                let server = Server::connect(global).await?;
                show(&server, name, file.as_deref(), output).await
            }
            Self::Remove { name } => {
                let server = Server::connect(global).await?;
                remove(&server, name, output).await
            }
            Self::Build(build) => build.run(output),
            Self::Test(test) => test.run(output).await,
        }
    }
}
