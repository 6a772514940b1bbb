//! Named bytes beside the records: modules, settings, the progress of tasks.

use std::sync::Arc;

use super::super::{Answer, StoreError, at_once};
use super::journal::Journal;
use fjall::Keyspace;

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

    /// Puts `bytes` under `name` (1 to 65,535 bytes), in place of what was there: at once, and as
    /// durable as configured when the answer is there.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn put(&self, name: &str, bytes: &[u8]) -> Answer<'static, Result<(), StoreError>> {
        if name.is_empty() || name.len() > usize::from(u16::MAX) {
            let len = name.len();
            return at_once(Err(StoreError::Engine(format!(
                "a table entry's name has 1 to 65535 bytes, not {len}"
            ))));
        }
        self.durable_after(self.entries.insert(name, bytes))
    }

    /// Removes what is under `name`, if anything; as [`Table::put`].
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn remove(&self, name: &str) -> Answer<'static, Result<(), StoreError>> {
        self.durable_after(self.entries.remove(name))
    }

    fn durable_after(&self, done: fjall::Result<()>) -> Answer<'static, Result<(), StoreError>> {
        match done {
            Ok(()) => self.journal.durable(),
            Err(e) => at_once(Err(e.into())),
        }
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
