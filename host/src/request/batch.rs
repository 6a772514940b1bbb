//! Many records in one request.

use super::{Request, Target};
use crate::model::Result;

/// Rows of a batch that share namespace and request.
#[derive(Clone, Debug)]
pub struct Group {
    /// Namespace name.
    pub namespace: Vec<u8>,
    /// What to do with each record; an error holds for every row of the group.
    pub request: Result<Request>,
    /// The records, and the index of each in the caller's batch. Rows on one record are worked on
    /// in their order, those of other groups included.
    pub rows: Vec<(u32, Target)>,
    /// How much error detail the rows ask for.
    pub error_detail: u8,
}
