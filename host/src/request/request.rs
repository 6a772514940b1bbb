//! What a caller asks for, and what it gets: the same for every door.

use std::sync::Arc;

use bytes::Bytes;

use super::Filter;
use crate::change::WritePolicy;
use crate::model::{BinName, Body, Digest, Key, Value};
use crate::ops::Op;

/// One record to work on.
#[derive(Clone, Debug)]
pub struct Target {
    /// The record's digest.
    pub digest: Digest,
    /// Set name; empty for the null set.
    pub set: Bytes,
    /// The user key, where the caller sent it.
    pub user_key: Option<Value>,
}

impl From<&Key> for Target {
    fn from(key: &Key) -> Self {
        Self {
            digest: key.digest,
            set: Bytes::copy_from_slice(key.set.as_bytes()),
            user_key: key.user_key.clone(),
        }
    }
}

/// Which bins a read returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinSelection {
    /// Every bin.
    All,
    /// Metadata only.
    None,
    /// These, as far as the record has them.
    Some(Arc<[BinName]>),
}

impl BinSelection {
    /// Whether the record has one of the bins, where some are named.
    pub fn is_met_by(&self, body: &Body) -> bool {
        match self {
            Self::All | Self::None => true,
            Self::Some(names) => names.iter().any(|name| body.bin(name.as_bytes()).is_some()),
        }
    }
}

/// A call of a user-defined function.
#[derive(Clone, Debug)]
pub struct UdfCall {
    /// Package name.
    pub package: Arc<str>,
    /// Function name.
    pub function: Arc<str>,
    /// Arguments beside the record: a packed list.
    pub args: Bytes,
}

/// What to do with each record.
#[derive(Clone, Debug)]
pub enum Work {
    /// Reads bins or metadata.
    Read(BinSelection),
    /// Runs operations in order. With `reply_all`, every operation has its entry in the
    /// reply, nil for those that return nothing; else only reads that found a value.
    Operate {
        /// The operations.
        ops: Vec<Op>,
        /// See above.
        reply_all: bool,
    },
    /// Deletes the record.
    Delete,
    /// Runs a function.
    Udf(UdfCall),
}

impl Work {
    /// Whether it may change the record.
    pub fn writes(&self) -> bool {
        match self {
            Self::Read(_) => false,
            Self::Operate { ops, .. } => ops.iter().any(|op| op.kind.is_write()),
            Self::Delete | Self::Udf(_) => true,
        }
    }
}

/// A request, apart from the records it is for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub work: Work,
    /// The policies of writes.
    pub policy: WritePolicy,
    /// Records that do not match are left alone, with [`ResultCode::FilteredOut`](crate::model::ResultCode::FilteredOut).
    pub filter: Option<Filter>,
}
