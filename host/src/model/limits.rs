//! What a UDF may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of one module's invocations; defaults hold where the config says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Memory of one Lua state or Wasm instance, in bytes. Default 64 MiB.
    pub memory_bytes: usize,
    /// Time of one invocation on one record, in milliseconds. Default 500: clients give a call
    /// 1,000 by default, and the error should reach them before that.
    pub time_ms: u64,
    /// Stack of one Wasm instance, in bytes: at most 1 MiB, and one for the whole host, so a module's own is
    /// not looked at. Default 512 KiB. Lua's depth is bounded by its own call limit.
    pub stack_bytes: usize,
    /// Largest module that may be registered, in bytes. Default 16 MiB.
    pub module_bytes: usize,
    /// Largest result of one invocation, in bytes. Default 1 MiB.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            time_ms: 500,
            stack_bytes: 512 << 10,
            module_bytes: 16 << 20,
            result_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// The time limit as a duration.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms)
    }
}
