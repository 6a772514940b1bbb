//! Named bytes beside the records: modules, settings, the progress of tasks.

use std::sync::Arc;

use fjall::Keyspace;
use futures::executor::block_on;

use super::super::StoreError;
use super::journal::Journal;

/// A small table of named bytes in a data directory, in order of name; clones share it.
#[derive(Clone)]
pub struct Table {
    entries: Keyspace,
    journal: Arc<Journal>,
}

impl Table {
    pub(super) fn new(entries: Keyspace, journal: Arc<Journal>) -> Self {
        Self { entries, journal }
    }

    /// The bytes under `name`.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries.get(name)?.map(|bytes| bytes.to_vec()))
    }

    /// Puts `bytes` under `name` (1 to 65,535 bytes), in place of what was there.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if name.is_empty() || name.len() > usize::from(u16::MAX) {
            let len = name.len();
            return Err(StoreError::Engine(format!(
                "a table entry's name has 1 to 65535 bytes, not {len}"
            )));
        }
        self.entries.insert(name, bytes)?;
        block_on(self.journal.durable())
    }

    /// Removes what is under `name`, if anything.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.entries.remove(name)?;
        block_on(self.journal.durable())
    }

    /// Every entry, in order of name.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn entries(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.entries
            .iter()
            .map(|entry| {
                let (name, bytes) = entry.into_inner()?;
                Ok((String::from_utf8_lossy(&name).into_owned(), bytes.to_vec()))
            })
            .collect()
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Table")
            .field(&&**self.entries.name())
            .finish()
    }
}
