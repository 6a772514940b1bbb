//! The network door: accept, connections, info, shutdown, configuration.

mod config;
mod connection;
mod foreground;
mod host;
mod info;
mod outbox;
mod scan;
mod serve;
#[cfg(test)]
mod tests;

pub use config::{Config, ConfigError, NamespaceConfig, NetworkConfig, ThreadsConfig};
pub use serve::{ServeOptions, serve};
