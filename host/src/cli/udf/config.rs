//! The limits and grants under which commands run functions here.

use std::path::PathBuf;

use clap::Args;

use super::local::Local;
use crate::cli::error::CliError;
use crate::server::Config;

/// Where limits and grants come from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Limits and grants of modules, from a host's configuration file [default: the default limits, and
    /// nothing granted].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigArgs {
    /// Runtimes under these limits and grants.
    pub fn local(&self) -> Result<Local, CliError> {
        let config = match &self.config {
            Some(file) => Config::read(file).map_err(|error| CliError::Usage(error.to_string()))?,
            None => Config::default(),
        };
        Local::new(config.settings())
    }
}
