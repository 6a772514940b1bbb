//! What is left to write once a record was changed.

use crate::model::Record;

/// What a successful invocation does to its record.
#[derive(Clone, Debug)]
pub enum Effects {
    /// Nothing.
    None,
    /// Writes the record (create or update).
    Put(Record),
    /// Removes the record.
    Remove,
}
