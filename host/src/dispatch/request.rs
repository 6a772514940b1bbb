//! What a caller asks for, and what it gets: the same for every door.

use std::sync::Arc;

use bytes::Bytes;

use crate::expr::Expr;
use crate::model::{BinName, Body, Digest, Error, Key, ResultCode, Ttl, Value};
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
    Some(Vec<BinName>),
}

/// How a write minds the record's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GenerationCheck {
    /// Not at all.
    #[default]
    None,
    /// It must be equal.
    Equal(u16),
    /// The given one must be greater than the record's.
    Greater(u16),
}

/// How a write minds whether the record exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ExistsAction {
    /// Creates or updates.
    #[default]
    Upsert,
    /// Fails when it exists.
    CreateOnly,
    /// Fails when it does not exist.
    UpdateOnly,
    /// Creates, or replaces all bins.
    Replace,
    /// Replaces all bins; fails when it does not exist.
    ReplaceOnly,
}

/// The policies that travel with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct WritePolicy {
    /// Generation check.
    pub generation: GenerationCheck,
    /// Existence check.
    pub exists: ExistsAction,
    /// Expiry.
    pub ttl: Ttl,
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

/// A request, apart from the records it is for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub work: Work,
    /// The policies of writes.
    pub policy: WritePolicy,
    /// Records that do not match are left alone, with [`ResultCode::FilteredOut`].
    pub filter: Option<Arc<Expr>>,
}

/// The bins of a reply.
#[derive(Clone, Debug)]
pub enum ReplyBins {
    /// None.
    None,
    /// The record's bins, as selected; encode them straight from the body.
    Record(Body, BinSelection),
    /// Results of operations, in order; a UDF's result is the bin `SUCCESS` and its failure `FAILURE`.
    Values(Vec<(Option<BinName>, Value)>),
    /// What a function returned.
    Udf(Value),
}

/// What became of the request on one record.
#[derive(Clone, Debug)]
pub struct Reply {
    /// How it ended.
    pub code: ResultCode,
    /// The record's generation after the request, 0 where there is none.
    pub generation: u16,
    /// The record's void time (seconds since 2010; 0 for never).
    pub void_time: u32,
    /// Bins or results.
    pub bins: ReplyBins,
    /// What went wrong, for people; of a failed UDF, the text the wire sends in `FAILURE`.
    pub message: Option<Box<str>>,
}

impl Reply {
    /// A success without bins.
    pub fn ok(generation: u16, void_time: u32) -> Self {
        Self {
            code: ResultCode::Ok,
            generation,
            void_time,
            bins: ReplyBins::None,
            message: None,
        }
    }
}

impl From<Error> for Reply {
    fn from(e: Error) -> Self {
        Self {
            code: e.code,
            generation: 0,
            void_time: 0,
            bins: ReplyBins::None,
            message: Some(e.message.into()),
        }
    }
}

impl From<ResultCode> for Reply {
    fn from(code: ResultCode) -> Self {
        Self {
            code,
            generation: 0,
            void_time: 0,
            bins: ReplyBins::None,
            message: None,
        }
    }
}
