//! The options that every command has.

use clap::Args;

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// The server to talk to [default: $PETREL_HOST, else 127.0.0.1:3000].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub host: Option<String>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

impl GlobalArgs {
    /// The server's address: the option, else the environment, else this machine.
    pub fn address(&self) -> String {
        self.host
            .clone()
            .or_else(|| std::env::var("PETREL_HOST").ok())
            .filter(|host| !host.is_empty())
            .unwrap_or_else(|| "127.0.0.1:3000".to_owned())
    }
}
