//! What an index is of.

use serde::{Deserialize, Serialize};

use super::{IndexError, Place};
use crate::store::{RecordStore, StoreError};

/// Names of indexes and sets are shorter than this, as the protocol has it.
const NAME_LIMIT: usize = 64;

/// What an index is called and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name, one in its namespace.
    pub name: String,
    /// The set whose records are in it; empty for all of the namespace.
    pub set: String,
    /// Where in a record the values are.
    pub place: Place,
}

impl Definition {
    /// A definition over a set, or over the namespace where the set's name is empty.
    ///
    /// # Errors
    /// [`IndexError::Definition`] for names that are empty or too long.
    pub fn new(name: &str, set: &str, place: Place) -> Result<Self, IndexError> {
        let refuse = |what: &str| Err(IndexError::Definition(what.into()));
        if name.is_empty() {
            return refuse("missing 'indexname' value");
        }
        if name.len() >= NAME_LIMIT {
            return refuse("'indexname' value too long");
        }
        if set.len() >= NAME_LIMIT {
            return refuse("'set' value too long");
        }
        Ok(Self {
            name: name.into(),
            set: set.into(),
            place,
        })
    }

    /// The id of its set, made on first use; `None` for all of the namespace.
    pub(super) async fn set_id(&self, store: &dyn RecordStore) -> Result<Option<u16>, StoreError> {
        match self.set.is_empty() {
            true => Ok(None),
            false => store.set_id(&self.set).await.map(Some),
        }
    }

    /// Whether another one is of the same, whatever they are called.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.set, &self.place) == (&other.set, &other.place)
    }
}
