//! What a query asks for, and what it yields.

use super::{BinSelection, Filter, IndexRange};
use crate::model::{Body, Digest, PartitionId};

/// What a query asks for.
#[derive(Clone, Debug)]
pub struct QuerySpec {
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// The range of an index that the records are in; `None` for all of the set.
    pub range: Option<IndexRange>,
    /// Records that do not match are passed over.
    pub filter: Option<Filter>,
    /// The bins to return.
    pub bins: BinSelection,
    /// The partitions to read, each from its start or after a record; `None` for all.
    pub partitions: Option<Vec<(PartitionId, Option<Resume>)>>,
    /// At most this many records; 0 for all.
    pub max_records: u64,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
}

/// The last record that a query yielded of a partition, for another to go on after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Its digest.
    pub digest: Digest,
    /// The value at which it was found in an index; any, where there is no index.
    pub value: i64,
}

impl Resume {
    /// After a record that was found without an index.
    pub fn after(digest: Digest) -> Self {
        Self { digest, value: 0 }
    }
}

/// A record that a query yields.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its digest.
    pub digest: Digest,
    /// Its set's id; the namespace knows the name.
    pub set: u16,
    /// Its generation.
    pub generation: u16,
    /// When it expires, in seconds since 2010-01-01 UTC; 0 for never.
    pub void_time: u32,
    /// The value at which it was found in an index, if it was.
    pub found_at: Option<i64>,
    /// Its bins and user key.
    pub body: Body,
}
