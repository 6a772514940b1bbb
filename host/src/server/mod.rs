//! The network door: accept, connections, a file for each kind of request, shutdown, configuration.

mod aggregate;
mod background;
mod batch;
mod config;
mod connection;
mod explain;
mod host;
mod info;
mod message;
mod outbox;
mod query;
mod serve;
mod single;
#[cfg(test)]
mod tests;

pub use config::{
    Config, ConfigError, ModuleConfig, NamespaceConfig, NetworkConfig, ThreadsConfig,
};
pub use serve::{ServeOptions, serve};
