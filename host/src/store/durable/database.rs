//! One data directory: a fjall database with namespaces and tables in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use parking_lot::Mutex;

use super::super::{Answer, DurableOptions, StoreError};
use super::codec::FORMAT;
use super::journal::Journal;
use super::namespace::DurableStore;
use super::table::Table;

/// Keyspace of what the directory itself must know: its format, and the sets.
const META: &str = "meta";
/// Key in [`META`] of the format version, `u32` little-endian.
const FORMAT_KEY: &[u8] = b"format";

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process; stop it, or choose another data directory", .0.display())]
    Locked(PathBuf),
    /// A newer release wrote it, or something that is not petrel.
    #[error(
        "{} has data format {found}, this release reads format {FORMAT}; use the release that wrote it, or choose another data directory",
        dir.display()
    )]
    Format {
        /// The data directory.
        dir: PathBuf,
        /// The format version it says it has.
        found: String,
    },
    /// A name that cannot be a namespace or a table.
    #[error(
        "{0:?} cannot name a namespace or a table: use 1 to 64 letters, digits, '_', '-' or '.'"
    )]
    Name(String),
    /// The storage engine failed.
    #[error("cannot open {}: {source}; check that it can be written and that its disk has room", dir.display())]
    Engine {
        /// The data directory.
        dir: PathBuf,
        /// What the engine said.
        source: fjall::Error,
    },
}

/// An open data directory; clones share it. It is closed when the last clone, store and table
/// of it is dropped.
#[derive(Clone)]
pub struct Durable {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    database: Database,
    meta: Keyspace,
    journal: Arc<Journal>,
    options: DurableOptions,
    /// A namespace is one store however often it is asked for: two would not see each
    /// other's locks.
    namespaces: Mutex<HashMap<String, Arc<DurableStore>>>,
}

impl Durable {
    /// Opens the data directory `dir`, made if it is not there.
    ///
    /// ```
    /// use petrel::store::{Durable, DurableOptions, RecordStore};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let data = Durable::open(dir.path(), DurableOptions::default())?;
    /// let test = data.namespace("test")?;
    /// assert_eq!(test.count(), (0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OpenError`]: in use, of another format, or the engine failed.
    pub fn open(dir: impl AsRef<Path>, options: DurableOptions) -> Result<Self, OpenError> {
        let dir = dir.as_ref();
        let failed = |e| engine(dir, e);
        let database = Database::builder(dir)
            .cache_size(options.cache_bytes)
            .max_journaling_size(options.journal_bytes.max(64 << 20))
            .worker_threads(options.threads.max(1))
            .open()
            .map_err(failed)?;
        let meta = database
            .keyspace(META, KeyspaceCreateOptions::default)
            .map_err(failed)?;
        match meta.get(FORMAT_KEY).map_err(failed)? {
            Some(found) if *found == FORMAT.to_le_bytes() => {}
            Some(found) => {
                return Err(OpenError::Format {
                    dir: dir.into(),
                    found: match <[u8; 4]>::try_from(&*found) {
                        Ok(n) => u32::from_le_bytes(n).to_string(),
                        Err(_) => format!("{:?}", String::from_utf8_lossy(&found)),
                    },
                });
            }
            None => meta
                .insert(FORMAT_KEY, FORMAT.to_le_bytes())
                .map_err(failed)?,
        }
        let journal =
            Journal::new(database.clone(), options.durability).map_err(|e| failed(e.into()))?;
        let journal = Arc::new(journal);
        Ok(Self {
            shared: Arc::new(Shared {
                dir: dir.into(),
                database,
                meta,
                journal,
                options,
                namespaces: Mutex::default(),
            }),
        })
    }

    /// The records of a namespace, made if it is not there.
    ///
    /// Its first call after a start reads the whole namespace once, to count its records.
    ///
    /// # Errors
    /// [`OpenError::Name`], [`OpenError::Engine`].
    pub fn namespace(&self, name: &str) -> Result<Arc<DurableStore>, OpenError> {
        let mut namespaces = self.shared.namespaces.lock();
        if let Some(store) = namespaces.get(name) {
            return Ok(store.clone());
        }
        let records = self.keyspace("ns", name)?;
        let store = DurableStore::open(
            name,
            records,
            self.shared.meta.clone(),
            self.shared.journal.clone(),
        )
        .map_err(|e| engine(&self.shared.dir, e))?;
        let store = Arc::new(store);
        namespaces.insert(name.into(), store.clone());
        Ok(store)
    }

    /// A table of named bytes, made if it is not there.
    ///
    /// # Errors
    /// [`OpenError::Name`], [`OpenError::Engine`].
    pub fn table(&self, name: &str) -> Result<Table, OpenError> {
        Ok(Table::new(
            self.keyspace("table", name)?,
            self.shared.journal.clone(),
        ))
    }

    /// Makes everything written so far as durable as configured.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub fn flush(&self) -> Answer<'_, Result<(), StoreError>> {
        self.shared.journal.flush()
    }

    fn keyspace(&self, kind: &str, name: &str) -> Result<Keyspace, OpenError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(OpenError::Name(name.into()));
        }
        self.shared
            .database
            .keyspace(&format!("{kind}.{name}"), || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(self.shared.options.memtable_bytes)
            })
            .map_err(|e| engine(&self.shared.dir, e))
    }
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Durable")
            .field("dir", &self.shared.dir)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl From<fjall::Error> for StoreError {
    fn from(e: fjall::Error) -> Self {
        StoreError::Engine(e.to_string())
    }
}

fn engine(dir: &Path, source: fjall::Error) -> OpenError {
    match source {
        fjall::Error::Locked => OpenError::Locked(dir.into()),
        fjall::Error::InvalidVersion(found) => OpenError::Format {
            dir: dir.into(),
            found: match found {
                Some(v) => format!("of storage engine version {v}"),
                None => "of an unknown storage engine version".into(),
            },
        },
        source => OpenError::Engine {
            dir: dir.into(),
            source,
        },
    }
}
