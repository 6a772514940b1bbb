//! What an instance of a component that imports WASI has beside its store: the resources it holds,
//! what its module was granted, and stand-ins for what it was not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tracing::Level;
use wasmtime::component::ResourceTable;

use crate::model::{EPOCH_OFFSET_SECS, now_secs};
use crate::udf::log::Log;
use crate::udf::{Allowance, Granted};

/// The most resources that an instance may hold at once.
const RESOURCES: usize = 4096;

/// What a module asks of the outside without a grant for it.
#[derive(Clone, Copy)]
pub(super) enum Denial {
    Environment,
    Directories,
    WallClock,
    MonotonicClock,
    Random,
}

impl Denial {
    /// What it asks for, what it finds, and the setting that would grant it.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Environment => (
                "the environment",
                "no variables",
                "environment = [\"NAME\"]",
            ),
            Self::Directories => ("files", "no directory", "read = { NAME = \"/PATH\" }"),
            Self::WallClock => (
                "the wall clock",
                "the second in which the batch began",
                "wall-clock = true",
            ),
            Self::MonotonicClock => (
                "the monotonic clock",
                "that it stands still",
                "monotonic-clock = true",
            ),
            Self::Random => (
                "random numbers",
                "the same in every instance",
                "random = true",
            ),
        }
    }
}

/// What the instances of one module find of the outside.
pub(super) struct Outside {
    package: String,
    log: Arc<Log>,
    line_bytes: usize,
    pub(super) granted: Arc<Granted>,
    /// A bit for each [`Denial`] that was told.
    told: AtomicU8,
}

impl Outside {
    pub(super) fn new(package: &str, log: &Arc<Log>, allowance: &Allowance) -> Arc<Self> {
        Arc::new(Self {
            package: package.into(),
            log: log.clone(),
            line_bytes: allowance.limits.log_line_bytes,
            granted: allowance.granted.clone(),
            told: AtomicU8::new(0),
        })
    }

    /// Says once in the log what the module was denied.
    fn tell(&self, denial: Denial) {
        let bit = 1 << denial as u8;
        if self.told.load(Relaxed) & bit == 0 && self.told.fetch_or(bit, Relaxed) & bit == 0 {
            let (asked, found, setting) = denial.words();
            let package = &self.package;
            let line = format!(
                "asks for {asked}, which it was not granted, and finds {found}; \
                 the setting would be [module.{package}.grants] {setting}"
            );
            self.log.write(Level::INFO, line.as_bytes());
        }
    }
}

/// The state of one instance that imports WASI.
pub(super) struct Wasi {
    pub(super) resources: ResourceTable,
    pub(super) stdout: Lines,
    pub(super) stderr: Lines,
    pub(super) outside: Arc<Outside>,
    /// The same numbers in every instance.
    foreseeable: StdRng,
    /// The wall clock without a grant, in seconds since 2010-01-01 UTC: that of the batch being run.
    now: u32,
}

impl Wasi {
    pub(super) fn new(outside: &Arc<Outside>) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES);
        let lines = |level| Lines {
            log: outside.log.clone(),
            level,
            line_bytes: outside.line_bytes,
            line: Vec::new(),
        };
        Self {
            resources,
            stdout: lines(Level::INFO),
            stderr: lines(Level::WARN),
            outside: outside.clone(),
            foreseeable: StdRng::seed_from_u64(0),
            now: now_secs(),
        }
    }

    /// Says once in the log what the module was denied.
    pub(super) fn tell(&self, denial: Denial) {
        self.outside.tell(denial);
    }

    /// Sets the wall clock without a grant, in seconds since 2010-01-01 UTC.
    pub(super) fn set_now(&mut self, now: u32) {
        self.now = now;
    }

    /// The wall clock: the time since the Unix epoch.
    pub(super) fn wall(&self) -> Duration {
        if self.outside.granted.grants.wall_clock {
            return SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
        }
        self.tell(Denial::WallClock);
        Duration::from_secs(EPOCH_OFFSET_SECS + u64::from(self.now))
    }

    /// Fills `bytes` with random numbers.
    pub(super) fn random(&mut self, bytes: &mut [u8]) {
        if self.outside.granted.grants.random {
            return rand::rng().fill_bytes(bytes);
        }
        self.tell(Denial::Random);
        self.foreseeable.fill_bytes(bytes);
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
