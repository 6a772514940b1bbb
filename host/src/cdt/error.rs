//! Why an edit is refused.

use crate::model::msgpack::DecodeError;

/// Why a collection is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The bytes are no such collection.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The list keeps its elements in their order, so their places are not the caller's.
    #[error("an ordered list has no places to choose")]
    Ordered,
    /// There is no such place in the list.
    #[error("the list has no place {0}")]
    NoPlace(usize),
}
