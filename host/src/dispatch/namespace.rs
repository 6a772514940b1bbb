//! A namespace: a store and the defaults of its records.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::change::Scope;
use crate::model::{Error, Result, ResultCode, now_secs};
use crate::store::{RecordStore, StoreError};

/// A namespace of records.
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    /// Its records.
    pub store: Arc<dyn RecordStore>,
    /// The TTL of writes that ask for the default, in seconds; 0 for never.
    pub default_ttl: u32,
    sets: ArcSwap<Vec<Arc<str>>>,
}

impl Namespace {
    /// A namespace over a store.
    pub fn new(name: &str, store: Arc<dyn RecordStore>, default_ttl: u32) -> Self {
        let ns = Self {
            name: name.into(),
            store,
            default_ttl,
            sets: ArcSwap::default(),
        };
        ns.refresh_sets();
        ns
    }

    fn refresh_sets(&self) {
        let mut names = Vec::new();
        while let Some(name) = self.store.set_name(names.len() as u16) {
            names.push(name);
        }
        self.sets.store(Arc::new(names));
    }

    /// The id of a set, made on first use.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] for a name that is too long or not text; the store's own errors.
    pub fn set_id(&self, name: &[u8]) -> Result<u16> {
        let sets = self.sets.load();
        if let Some(at) = sets.iter().position(|s| s.as_bytes() == name) {
            return Ok(at as u16);
        }
        drop(sets);
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|n| n.len() < 64)
            .ok_or_else(|| {
                Error::new(
                    ResultCode::ParameterError,
                    "a set name is text of at most 63 bytes",
                )
            })?;
        let id = self.store.set_id(name)?;
        self.refresh_sets();
        Ok(id)
    }

    /// The id of a set that exists.
    pub fn find_set(&self, name: &[u8]) -> Option<u16> {
        self.sets
            .load()
            .iter()
            .position(|s| s.as_bytes() == name)
            .map(|i| i as u16)
    }

    /// Set names by id.
    pub fn sets(&self) -> Arc<Vec<Arc<str>>> {
        self.sets.load_full()
    }

    /// What the records of a call share, as of now.
    pub fn scope(&self) -> Scope {
        Scope {
            namespace: self.name.clone(),
            sets: self.sets.load_full(),
            now: now_secs(),
            default_ttl: self.default_ttl,
        }
    }
}

impl From<StoreError> for Error {
    fn from(e: StoreError) -> Self {
        let code = match e {
            StoreError::Conflict => ResultCode::KeyBusy,
            StoreError::Engine(_) | StoreError::Damaged { .. } => ResultCode::ServerError,
        };
        Error::new(code, e.to_string())
    }
}
