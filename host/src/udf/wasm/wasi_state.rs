//! What an instance of a component that imports WASI has beside its store: the resources it holds,
//! and stand-ins for what it was not granted.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tracing::Level;
use wasmtime::component::ResourceTable;

use crate::model::{EPOCH_OFFSET_SECS, now_secs};
use crate::udf::log::Log;

/// The most resources that an instance may hold at once.
const RESOURCES: usize = 4096;

/// The state of one instance that imports WASI.
pub(super) struct Wasi {
    pub(super) resources: ResourceTable,
    pub(super) stdout: Lines,
    pub(super) stderr: Lines,
    /// The same numbers in every instance.
    pub(super) random: StdRng,
    /// The wall clock, in seconds since 2010-01-01 UTC: that of the batch being run.
    now: u32,
}

impl Wasi {
    pub(super) fn new(log: &Arc<Log>, line_bytes: usize) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES);
        let lines = |level| Lines {
            log: log.clone(),
            level,
            line_bytes,
            line: Vec::new(),
        };
        Self {
            resources,
            stdout: lines(Level::INFO),
            stderr: lines(Level::WARN),
            random: StdRng::seed_from_u64(0),
            now: now_secs(),
        }
    }

    /// Sets the wall clock, in seconds since 2010-01-01 UTC.
    pub(super) fn set_now(&mut self, now: u32) {
        self.now = now;
    }

    /// The wall clock, in seconds since the Unix epoch.
    pub(super) fn unix_now(&self) -> u64 {
        EPOCH_OFFSET_SECS + u64::from(self.now)
    }

    /// Writes the lines that were begun and not ended.
    pub(super) fn flush(&mut self) {
        self.stdout.flush();
        self.stderr.flush();
    }
}

/// Standard output or standard error: each line is a line of the module's log.
pub(super) struct Lines {
    log: Arc<Log>,
    level: Level,
    line_bytes: usize,
    /// The line that was begun.
    line: Vec<u8>,
}

impl Lines {
    /// Takes what was written. A line that is longer than the log's are is written in pieces, so that
    /// what waits for its end is bounded.
    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            self.append(&bytes[..end]);
            self.log.write(self.level, &self.line);
            self.line.clear();
            bytes = &bytes[end + 1..];
        }
        self.append(bytes);
    }

    fn append(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.line_bytes.max(1)) {
            if self.line.len() + piece.len() > self.line_bytes {
                self.flush();
            }
            self.line.extend_from_slice(piece);
        }
    }

    fn flush(&mut self) {
        if !self.line.is_empty() {
            self.log.write(self.level, &self.line);
            self.line.clear();
        }
    }
}
