//! What all connections share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::config::Config;
use crate::dispatch::Dispatcher;

/// A running host.
pub struct Host {
    /// Its configuration.
    pub config: Config,
    /// Its records, modules and tasks.
    pub dispatcher: Arc<Dispatcher>,
    /// Where it accepts connections.
    pub address: SocketAddr,
    /// Its name among nodes: 16 hexadecimal digits.
    pub node: String,
    /// When it started.
    pub started: Instant,
    /// What it has done.
    pub counters: Counters,
    stopping: AtomicBool,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that are open.
    pub open: AtomicUsize,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections refused for want of room.
    pub refused: AtomicU64,
}

impl Host {
    /// A host that listens at `address`.
    pub fn new(config: Config, dispatcher: Arc<Dispatcher>, address: SocketAddr) -> Self {
        Self {
            config,
            dispatcher,
            node: format!("BB9{:04X}07E712E1", address.port())
                .chars()
                .take(16)
                .collect(),
            address,
            started: Instant::now(),
            counters: Counters::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Whether the host has begun to shut down.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Begins to shut down.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }
}
