//! One record to work on.

use super::Namespace;
use crate::model::{Digest, Result, Value};
use crate::request::{Target, Work};
use crate::store::{Lookup, Scanned};

/// One record to work on.
pub struct Item {
    /// The record's digest.
    pub digest: Digest,
    /// Its set id.
    pub set: u16,
    /// The user key, where the caller sent it.
    pub user_key: Option<Value>,
    /// What was read already.
    pub known: Option<Lookup>,
    /// The value at which it was found in an index, if it was.
    pub found_at: Option<i64>,
}

impl Item {
    /// The record of a key. Its set gets an id when something may be written to it.
    ///
    /// # Errors
    /// As [`Namespace::set_id`].
    pub async fn of_key(namespace: &Namespace, work: &Work, target: Target) -> Result<Self> {
        let set = match work {
            Work::Read(_) | Work::Delete => namespace.find_set(&target.set).unwrap_or(0),
            _ => namespace.set_id(&target.set).await?,
        };
        Ok(Self {
            digest: target.digest,
            set,
            user_key: target.user_key,
            known: None,
            found_at: None,
        })
    }

    /// The body bytes that were read with it.
    pub fn bytes(&self) -> usize {
        match &self.known {
            Some(Ok(Some(known))) => known.record.body.as_bytes().len(),
            _ => 0,
        }
    }
}

impl From<Scanned> for Item {
    fn from(scanned: Scanned) -> Self {
        Self {
            digest: scanned.digest,
            set: scanned.versioned.record.meta.set,
            user_key: None,
            known: Some(Ok(Some(scanned.versioned))),
            found_at: None,
        }
    }
}
