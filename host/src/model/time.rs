//! Times as the protocol counts them: from 2010-01-01 UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds between the Unix epoch and the protocol's epoch, 2010-01-01 UTC.
pub const EPOCH_OFFSET_SECS: u64 = 1_262_304_000;

/// The longest TTL that a record may be given, in seconds: ten years.
pub const MAX_TTL: u32 = 3650 * 24 * 60 * 60;

/// Now, in milliseconds since 2010-01-01 UTC.
pub fn now_millis() -> u64 {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as u64;
    unix.saturating_sub(EPOCH_OFFSET_SECS * 1000)
}

/// Now, in seconds since 2010-01-01 UTC.
pub fn now_secs() -> u32 {
    (now_millis() / 1000) as u32
}

/// What a write does to a record's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ttl {
    /// The namespace's default (wire value 0).
    #[default]
    Default,
    /// Never expires (wire value 0xFFFFFFFF).
    Never,
    /// Leaves the expiry as it is (wire value 0xFFFFFFFE).
    Keep,
    /// Expires this many seconds from now.
    Seconds(u32),
}

impl Ttl {
    /// From the wire's record TTL.
    pub fn from_wire(ttl: u32) -> Self {
        match ttl {
            0 => Self::Default,
            u32::MAX => Self::Never,
            0xFFFF_FFFE => Self::Keep,
            secs => Self::Seconds(secs),
        }
    }

    /// The void time of a write at `now` (seconds since 2010), given the record's present
    /// void time and the namespace's default TTL in seconds (0 for never).
    pub fn void_time(self, now: u32, present: u32, default_secs: u32) -> u32 {
        match self {
            Self::Never => 0,
            Self::Keep => present,
            Self::Seconds(s) => now.saturating_add(s),
            Self::Default if default_secs == 0 => 0,
            Self::Default => now.saturating_add(default_secs),
        }
    }
}
