//! Where the definitions of indexes are kept.

use super::Definition;
use crate::store::{Answer, StoreError, at_once};

/// Keeps the definitions of a namespace's indexes over restarts. A name has one definition.
pub trait Catalog: Send + Sync {
    /// Those that are kept.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    fn load(&self) -> Result<Vec<Definition>, StoreError>;

    /// Keeps one, in place of another of its name: as durable as the store is when the answer is
    /// there.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    fn keep(&self, definition: &Definition) -> Answer<'_, Result<(), StoreError>>;

    /// Forgets the one of a name; as [`Catalog::keep`].
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    fn forget(&self, name: &str) -> Answer<'_, Result<(), StoreError>>;
}

/// Keeps nothing: for records in memory, which do not outlive the process either.
impl Catalog for () {
    fn load(&self) -> Result<Vec<Definition>, StoreError> {
        Ok(Vec::new())
    }

    fn keep(&self, _: &Definition) -> Answer<'_, Result<(), StoreError>> {
        at_once(Ok(()))
    }

    fn forget(&self, _: &str) -> Answer<'_, Result<(), StoreError>> {
        at_once(Ok(()))
    }
}

/// A table of a data directory: an entry in JSON for each definition, under its name.
#[cfg(feature = "durable")]
impl Catalog for crate::store::Table {
    fn load(&self) -> Result<Vec<Definition>, StoreError> {
        let mut definitions = Vec::new();
        for (name, json) in self.entries()? {
            match serde_json::from_slice(&json) {
                Ok(definition) => definitions.push(definition),
                Err(e) => tracing::warn!("the definition of index {name} is damaged on disk: {e}"),
            }
        }
        Ok(definitions)
    }

    fn keep(&self, definition: &Definition) -> Answer<'_, Result<(), StoreError>> {
        match serde_json::to_vec(definition) {
            Ok(json) => self.put(&definition.name, &json),
            Err(e) => at_once(Err(StoreError::Engine(e.to_string()))),
        }
    }

    fn forget(&self, name: &str) -> Answer<'_, Result<(), StoreError>> {
        self.remove(name)
    }
}
