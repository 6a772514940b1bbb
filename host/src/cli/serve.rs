//! `petrel serve`: run a host.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::error::CliError;
use crate::assembly::Storage;
use crate::server::{ServeOptions, serve};

/// How to run the host.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 picks a free one, which is printed [default: 127.0.0.1:3000].
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Keep records and modules in this folder [default: petrel-data].
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    pub data: Option<PathBuf>,
    /// Keep everything in memory; a stop forgets it.
    #[arg(long)]
    pub memory: bool,
    /// The configuration file; options given here win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What is logged where `RUST_LOG` does not say: the storage engine's own steps are left out.
const DEFAULT_LOG: &str = "info,fjall=warn,lsm_tree=warn";
/// The data directory where neither `--data` nor `--memory` is given.
const DEFAULT_DATA: &str = "petrel-data";

impl ServeArgs {
    /// Serves until a signal stops it.
    ///
    /// # Errors
    /// [`CliError::Serve`] when the host cannot start.
    pub fn run(self) -> Result<(), CliError> {
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init();
        let storage = if self.memory {
            Storage::Memory
        } else {
            Storage::Directory(self.data.unwrap_or_else(|| DEFAULT_DATA.into()))
        };
        let options = ServeOptions {
            listen: self.listen,
            storage,
            config: self.config,
        };
        serve(options).map_err(CliError::Serve)
    }
}
