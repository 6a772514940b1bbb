//! What a query asks for, and what it yields.

use super::{BinSelection, Filter};
use crate::model::{Body, Digest, PartitionId};

/// What a query asks for.
#[derive(Clone, Debug)]
pub struct QuerySpec {
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// Records that do not match are passed over.
    pub filter: Option<Filter>,
    /// The bins to return.
    pub bins: BinSelection,
    /// The partitions to read, each from its start or after a digest; `None` for all.
    pub partitions: Option<Vec<(PartitionId, Option<Digest>)>>,
    /// At most this many records; 0 for all.
    pub max_records: u64,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
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
    /// Its bins and user key.
    pub body: Body,
}
