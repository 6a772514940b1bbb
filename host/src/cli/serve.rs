//! `petrel serve`: run a host.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

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
