//! When a commit counts as durable.

use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{Database, PersistMode};
use parking_lot::Mutex;

/// What a commit has survived once it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// The process's end, however it comes: the write is with the operating system. What the
    /// last seconds wrote may be gone after a power loss; what is left is consistent.
    #[default]
    Buffered,
    /// A power loss too: the write is on the disk. Commits that come at the same time share
    /// one disk flush.
    Synced,
}

/// Takes commits to the disk, many with one flush.
pub(super) struct Journal {
    database: Database,
    durability: Durability,
    /// Commits applied so far.
    written: AtomicU64,
    /// Of these, how many a flush has covered. The lock is held during the flush, so that
    /// commits that arrive meanwhile queue up and the first of them flushes for them all.
    synced: Mutex<u64>,
}

impl Journal {
    pub(super) fn new(database: Database, durability: Durability) -> Self {
        Self {
            database,
            durability,
            written: AtomicU64::new(0),
            synced: Mutex::new(0),
        }
    }

    /// An empty batch of writes.
    pub(super) fn batch(&self) -> fjall::OwnedWriteBatch {
        self.database.batch()
    }

    /// Makes writes that were applied before the call as durable as configured.
    pub(super) fn commit(&self) -> fjall::Result<()> {
        if self.durability == Durability::Buffered {
            // Every write already went to the operating system by itself.
            return Ok(());
        }
        let mine = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut synced = self.synced.lock();
        if *synced >= mine {
            return Ok(());
        }
        // A commit counts itself after it is applied, so the flush covers all counted here.
        let covered = self.written.load(Ordering::SeqCst);
        self.database.persist(PersistMode::SyncData)?;
        *synced = covered;
        Ok(())
    }

    /// Makes everything that was written so far as durable as configured.
    pub(super) fn flush(&self) -> fjall::Result<()> {
        self.database.persist(match self.durability {
            Durability::Buffered => PersistMode::Buffer,
            Durability::Synced => PersistMode::SyncData,
        })
    }
}
