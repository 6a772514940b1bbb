//! A namespace: a store with its indexes, the defaults of its records, and the one way to write them.

use std::sync::Arc;

use arc_swap::Guard;

use super::turns::Turns;
use crate::change::Scope;
use crate::index::{Catalog, Indexes};
use crate::model::{Digest, Error, PartitionId, Result, ResultCode, now_secs};
use crate::store::{
    Answer, Commit, Cursor, Lookup, Outcome, RecordStore, ScanPage, Scanned, Sets, StoreError,
};

/// A namespace of records.
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    /// The TTL of writes that ask for the default, in seconds; 0 for never.
    pub default_ttl: u32,
    pub(super) turns: Arc<Turns>,
    store: Arc<dyn RecordStore>,
    indexes: Indexes,
}

impl Namespace {
    /// A namespace over a store, without indexes; those to come do not outlive this.
    pub fn new(name: &str, store: Arc<dyn RecordStore>, default_ttl: u32) -> Self {
        Self {
            name: name.into(),
            default_ttl,
            turns: Arc::default(),
            indexes: Indexes::new(store.clone()),
            store,
        }
    }

    /// The namespace with the indexes of a catalog, which keeps those to come. They are built when
    /// this returns.
    ///
    /// # Errors
    /// The store's.
    pub fn with_indexes_of(self, catalog: Box<dyn Catalog>) -> Result<Self> {
        Ok(Self {
            indexes: Indexes::open(self.store.clone(), catalog)?,
            ..self
        })
    }

    /// Its indexes.
    pub fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// Reads records; see [`RecordStore::read`].
    pub fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()> {
        self.store.read(digests, out)
    }

    /// Changes records; see [`RecordStore::commit`]. The only way in which a record changes:
    /// requests, expiry and truncation end here, and the indexes follow from here.
    pub fn commit<'a>(
        &'a self,
        commits: &'a mut Vec<Commit>,
        out: &'a mut Vec<Outcome>,
    ) -> Answer<'a, ()> {
        self.store.commit(commits, out, &self.indexes)
    }

    /// Reads the next records of a partition; see [`RecordStore::scan`].
    pub fn scan<'a>(
        &'a self,
        partition: PartitionId,
        cursor: &'a mut Cursor,
        page: &'a ScanPage,
        out: &'a mut Vec<Scanned>,
    ) -> Answer<'a, Result<bool, StoreError>> {
        self.store.scan(partition, cursor, page, out)
    }

    /// The id of a set, made on first use.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] for a name that is too long or not text; the store's own errors.
    pub async fn set_id(&self, name: &[u8]) -> Result<u16> {
        if let Some(id) = self.find_set(name) {
            return Ok(id);
        }
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|n| n.len() < 64)
            .ok_or_else(|| {
                Error::new(
                    ResultCode::ParameterError,
                    "a set name is text of at most 63 bytes",
                )
            })?;
        Ok(self.store.set_id(name).await?)
    }

    /// The id of a set that exists.
    pub fn find_set(&self, name: &[u8]) -> Option<u16> {
        if name.is_empty() {
            return Some(0);
        }
        self.store.sets().find(name)
    }

    /// The sets as of now.
    pub fn sets(&self) -> Arc<Sets> {
        Guard::into_inner(self.store.sets())
    }

    /// How many records there are, expired ones included, and their body bytes.
    pub fn count(&self) -> (u64, u64) {
        self.store.count()
    }

    /// How many records each set has, expired ones included: (id, count).
    pub fn set_counts(&self) -> Vec<(u16, u64)> {
        self.store.set_counts()
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush(&self) -> Result<()> {
        Ok(self.store.flush().await?)
    }

    /// Brings up to date what the records of a call share. What is still so is left as it is, so that
    /// threads that do this all the time do not wait for one another's caches.
    pub fn renew(&self, scope: &mut Scope) {
        if !Arc::ptr_eq(&scope.namespace, &self.name) {
            scope.namespace = self.name.clone();
        }
        let sets = self.store.sets();
        if !Arc::ptr_eq(&scope.sets, sets.names()) {
            scope.sets = sets.names().clone();
        }
        scope.now = now_secs();
        scope.default_ttl = self.default_ttl;
    }

    /// What the records of a call share, as of now.
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        self.renew(&mut scope);
        scope
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
