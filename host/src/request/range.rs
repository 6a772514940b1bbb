//! What is asked of a secondary index.

use crate::index::{Bounds, Place};

/// The records with values in a range, by an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRange {
    /// Which index.
    pub index: IndexRef,
    /// Which values.
    pub bounds: Bounds,
}

/// How a caller tells which index it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexRef {
    /// The index of this name.
    Named(String),
    /// The index of this place, over the set that is asked for or over the namespace.
    Of(Place),
}
