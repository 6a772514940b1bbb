//! What a UDF may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a host's functions; defaults hold where the config says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Memory of one Lua state or Wasm instance, in bytes. Default 64 MiB.
    pub memory_bytes: usize,
    /// Time of one invocation on one record, in milliseconds. Default 500: clients give a call
    /// 1,000 by default, and the error should reach them before that.
    pub time_ms: u64,
    /// Stack of one Wasm instance, in bytes: at most 1 MiB, and one for the whole host, as the engine
    /// has it. Default 512 KiB. Lua's depth is bounded by its own call limit.
    pub stack_bytes: usize,
    /// Largest module that may be registered, in bytes. Default 32 MiB: a component in
    /// Python has 18, nearly all of it Python itself.
    pub module_bytes: usize,
    /// Largest result of one invocation, in bytes. Default 1 MiB.
    pub result_bytes: usize,
    /// The most bytes of one log line that are written. Default 4 KiB: about a page of text.
    pub log_line_bytes: usize,
    /// Log lines that may come at once. Default 1000: more than a person reads of one call. With the
    /// longest lines that is 4 MiB.
    pub log_burst: u32,
    /// Log lines a second in the long run. Default 100: with the longest lines 400 KiB.
    pub log_per_second: u32,
}

/// What one module has instead of the host's limits; what it does not name is the host's.
///
/// ```
/// use petrel::model::{LimitOverrides, Limits};
///
/// let host = Limits { memory_bytes: 8 << 20, ..Limits::default() };
/// let slow = LimitOverrides { time_ms: Some(2_000), ..LimitOverrides::default() };
/// let limits = slow.over(&host);
/// assert_eq!((limits.time_ms, limits.memory_bytes), (2_000, 8 << 20));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitOverrides {
    /// See [`Limits::memory_bytes`].
    pub memory_bytes: Option<usize>,
    /// See [`Limits::time_ms`].
    pub time_ms: Option<u64>,
    /// See [`Limits::module_bytes`].
    pub module_bytes: Option<usize>,
    /// See [`Limits::result_bytes`].
    pub result_bytes: Option<usize>,
    /// See [`Limits::log_line_bytes`].
    pub log_line_bytes: Option<usize>,
    /// See [`Limits::log_burst`].
    pub log_burst: Option<u32>,
    /// See [`Limits::log_per_second`].
    pub log_per_second: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            time_ms: 500,
            stack_bytes: 512 << 10,
            module_bytes: 32 << 20,
            result_bytes: 1 << 20,
            log_line_bytes: 4 << 10,
            log_burst: 1000,
            log_per_second: 100,
        }
    }
}

impl Limits {
    /// The time limit as a duration.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms)
    }
}

impl LimitOverrides {
    /// The limits of the module on a host.
    pub fn over(&self, host: &Limits) -> Limits {
        Limits {
            memory_bytes: self.memory_bytes.unwrap_or(host.memory_bytes),
            time_ms: self.time_ms.unwrap_or(host.time_ms),
            stack_bytes: host.stack_bytes,
            module_bytes: self.module_bytes.unwrap_or(host.module_bytes),
            result_bytes: self.result_bytes.unwrap_or(host.result_bytes),
            log_line_bytes: self.log_line_bytes.unwrap_or(host.log_line_bytes),
            log_burst: self.log_burst.unwrap_or(host.log_burst),
            log_per_second: self.log_per_second.unwrap_or(host.log_per_second),
        }
    }
}
