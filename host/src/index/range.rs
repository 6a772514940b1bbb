//! The values that a query is for.

use bytes::Bytes;

use super::Place;
use super::place::hash;
use crate::model::Record;
use crate::model::msgpack::Element;

/// The values that a query is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// The integers from one to another, both included.
    Integers(i64, i64),
    /// One string or blob.
    Bytes(Bytes),
}

/// The records with one of some values at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where the value is.
    pub place: Place,
    /// Which values.
    pub bounds: Bounds,
}

impl Range {
    /// Whether the record has such a value now.
    pub fn matches(&self, record: &Record) -> bool {
        self.place.each(record, |element| {
            self.place.value(&element).is_some()
                && match (&self.bounds, element) {
                    (Bounds::Integers(from, to), Element::Int(i)) => (*from..=*to).contains(&i),
                    (Bounds::Bytes(wanted), Element::Bytes(_, bytes)) => bytes == wanted,
                    _ => false,
                }
        })
    }

    /// The values of entries that may be of such records; `None` where there can be none.
    pub(super) fn values(&self) -> Option<(i64, i64)> {
        match (&self.bounds, self.place.is_numeric()) {
            (Bounds::Integers(from, to), true) => (from <= to).then_some((*from, *to)),
            (Bounds::Bytes(bytes), false) => Some((hash(bytes), hash(bytes))),
            _ => None,
        }
    }

    /// Whether a record may be met twice in the range: at several values of its own, or at another
    /// value once it was changed.
    pub fn may_repeat(&self) -> bool {
        matches!(self.bounds, Bounds::Integers(from, to) if from != to)
    }
}
