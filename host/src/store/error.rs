//! Why a store refused.

use crate::model::Digest;

/// Why a store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The record is not as expected: read it again.
    #[error("the record changed since it was read")]
    Conflict,
    /// The storage engine failed.
    #[error("storage failed: {0}; see the log, and check the data directory's disk")]
    Engine(String),
    /// A record on disk does not decode.
    #[error("record {digest:?} is damaged on disk: {what}")]
    Damaged {
        /// Which.
        digest: Digest,
        /// How.
        what: &'static str,
    },
}
