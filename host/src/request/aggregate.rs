//! What an aggregation asks for.

use super::{Filter, IndexRange, Resume, UdfCall};
use crate::model::PartitionId;

/// An aggregation: a function that folds the records of a set or namespace into values.
#[derive(Clone, Debug)]
pub struct AggregateSpec {
    /// Namespace name.
    pub namespace: String,
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// The range of an index to go by; `None` for all records.
    pub range: Option<IndexRange>,
    /// Records that do not match are passed over.
    pub filter: Option<Filter>,
    /// The stream function, with its arguments beside the stream.
    pub call: UdfCall,
    /// What the caller gets.
    pub yields: Yields,
    /// The partitions to read, each from its start or after a record; `None` for all.
    pub partitions: Option<Vec<(PartitionId, Option<Resume>)>>,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
    /// The id that the caller chose (`trid`); 0 to be given one.
    pub id: u64,
    /// Who asks: `ADDRESS+PORT`, or `embedded`.
    pub from: String,
    /// The client's socket timeout in milliseconds.
    pub socket_timeout: u32,
}

/// What the caller of an aggregation gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yields {
    /// Partial values, as they come: the caller does the last reduce.
    Partials,
    /// What it comes to: the host does the last reduce.
    Results,
}

impl AggregateSpec {
    /// An aggregation over a whole set (the namespace, for `None`) that yields results.
    pub fn new(namespace: &str, set: Option<&[u8]>, call: UdfCall) -> Self {
        Self {
            namespace: namespace.into(),
            set: set.map(<[u8]>::to_vec),
            range: None,
            filter: None,
            call,
            yields: Yields::Results,
            partitions: None,
            records_per_second: 0,
            id: 0,
            from: "embedded".into(),
            socket_timeout: 0,
        }
    }
}
