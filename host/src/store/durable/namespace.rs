//! The records of one namespace on disk.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fjall::Keyspace;
use parking_lot::Mutex;

use super::super::sets::{SetCounts, SetTable, occupied};
use super::super::sizes::Sizes;
use super::super::{
    Change, Commit, Committed, Cursor, Expected, RecordStore, ScanPage, Scanned, StoreError,
    Versioned,
};
use super::codec::{self, Head};
use super::journal::Journal;
use crate::model::{Digest, PARTITIONS, PartitionId};

/// Greatest digest there is: no record of a partition sorts after it.
const LAST: Digest = Digest([0xFF; 20]);

/// How many records of other sets one scan call passes over before it returns.
const SCAN_STRIDE: usize = 4096;

/// How many commits of a batch hold their partitions' locks at a time.
const TOGETHER: usize = 256;

/// Holds the records of one namespace in a data directory; see [`super::Durable::namespace`].
///
/// Reads take no lock. Commits to one partition take turns; each is one entry of the
/// database's journal, so it is there as a whole after a crash or not at all.
pub struct DurableStore {
    name: String,
    pub(super) records: Keyspace,
    meta: Keyspace,
    pub(super) journal: Arc<Journal>,
    /// One lock per partition, which holds what only its owner may change.
    pub(super) partitions: Box<[Mutex<SetCounts>]>,
    pub(super) sizes: Sizes,
    sets: SetTable,
    /// The last version given out; never turned back, restarts included.
    pub(super) clock: AtomicU64,
}

impl DurableStore {
    pub(super) fn open(
        name: &str,
        records: Keyspace,
        meta: Keyspace,
        journal: Arc<Journal>,
    ) -> fjall::Result<Self> {
        let store = Self {
            name: name.into(),
            records,
            meta,
            journal,
            partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            sizes: Sizes::new(),
            sets: SetTable::new(),
            clock: AtomicU64::new(0),
        };
        store.recall_sets()?;
        store.recount()?;
        Ok(store)
    }

    /// Where a set's name is kept in the directory's own keyspace. A namespace's name has no
    /// '/', so keys of different namespaces cannot meet.
    fn set_key(&self, id: u16) -> Vec<u8> {
        let mut key = format!("set/{}/", self.name).into_bytes();
        key.extend_from_slice(&id.to_be_bytes());
        key
    }

    fn recall_sets(&self) -> fjall::Result<()> {
        let prefix = format!("set/{}/", self.name);
        for entry in self.meta.prefix(&prefix) {
            let (key, name) = entry.into_inner()?;
            let id = key.get(prefix.len()..).and_then(|id| id.try_into().ok());
            match (id.map(u16::from_be_bytes), std::str::from_utf8(&name)) {
                (Some(id), Ok(name)) if id != 0 => self.sets.restore(id, name),
                _ => tracing::warn!(
                    namespace = self.name,
                    "a set's name is damaged on disk; its records are listed without a set"
                ),
            }
        }
        Ok(())
    }

    /// Counts what is on disk and finds the newest version.
    fn recount(&self) -> fjall::Result<()> {
        let mut newest = 0;
        let mut damaged = 0u64;
        for entry in self.records.iter() {
            let (key, value) = entry.into_inner()?;
            match (codec::digest(&key), codec::head(&value)) {
                (Some(digest), Ok(head)) => {
                    let partition = usize::from(digest.partition());
                    newest = newest.max(head.version);
                    self.partitions[partition].lock().add(head.meta.set);
                    self.sizes.of(partition).change(1, head.body_len as i64);
                }
                _ => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::warn!(
                namespace = self.name,
                damaged,
                "records are damaged on disk and not counted; write or remove them to heal"
            );
        }
        self.clock.store(newest, Relaxed);
        Ok(())
    }
}

impl std::fmt::Debug for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DurableStore")
            .field("namespace", &self.name)
            .field("count", &self.sizes.total())
            .finish_non_exhaustive()
    }
}

impl RecordStore for DurableStore {
    fn read(&self, digest: &Digest) -> Result<Option<Versioned>, StoreError> {
        let Some(value) = self.records.get(codec::key(digest))? else {
            return Ok(None);
        };
        codec::versioned(&value)
            .map(Some)
            .map_err(|what| StoreError::Damaged {
                digest: *digest,
                what,
            })
    }

    fn commit(
        &self,
        digest: &Digest,
        expected: Expected,
        change: Change,
    ) -> Result<Committed, StoreError> {
        let outcome = self.commit_one(digest, expected, change)?;
        // With no lock held: a disk flush must not hold up the partition.
        self.journal.commit()?;
        Ok(outcome)
    }

    fn commit_all(&self, commits: Vec<Commit>) -> Vec<Result<Committed, StoreError>> {
        let mut outcomes = Vec::with_capacity(commits.len());
        let mut commits = commits.into_iter().peekable();
        while commits.peek().is_some() {
            self.commit_together(commits.by_ref().take(TOGETHER), &mut outcomes);
        }
        if let Err(e) = self.journal.commit() {
            // What is not known to be durable must not be reported as done.
            let failed = e.to_string();
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                *outcome = Err(StoreError::Engine(failed.clone()));
            }
        }
        outcomes
    }

    fn scan(
        &self,
        partition: PartitionId,
        cursor: &mut Cursor,
        page: &ScanPage,
        out: &mut Vec<Scanned>,
    ) -> Result<bool, StoreError> {
        if usize::from(partition) >= PARTITIONS {
            return Ok(false);
        }
        let from = match &cursor.after {
            None => Bound::Included(codec::key_in(partition, &Digest([0; 20]))),
            Some(digest) => Bound::Excluded(codec::key_in(partition, digest)),
        };
        let to = Bound::Included(codec::key_in(partition, &LAST));
        let mut walk = self.records.range::<[u8; 22], _>((from, to));
        let (mut records, mut bytes, mut passed) = (0, 0, 0);
        while let Some(entry) = walk.next() {
            let (key, value) = entry.into_inner()?;
            let Some(digest) = codec::digest(&key) else {
                tracing::warn!(
                    namespace = self.name,
                    partition,
                    "passed over a malformed key"
                );
                continue;
            };
            cursor.after = Some(digest);
            let wanted = |head: Head| page.set.is_none_or(|set| set == head.meta.set);
            match codec::head(&value).map(wanted) {
                Ok(false) => passed += 1,
                Ok(true) | Err(_) => match codec::versioned(&value) {
                    Ok(versioned) => {
                        records += 1;
                        bytes += versioned.record.body.as_bytes().len();
                        out.push(Scanned { digest, versioned });
                    }
                    Err(what) => {
                        let damage = StoreError::Damaged { digest, what };
                        tracing::warn!(namespace = self.name, "passed over: {damage}");
                    }
                },
            }
            if records >= page.records || bytes > page.bytes || passed >= SCAN_STRIDE {
                return Ok(walk.next().is_some());
            }
        }
        Ok(false)
    }

    fn count(&self) -> (u64, u64) {
        self.sizes.total()
    }

    fn set_id(&self, name: &str) -> Result<u16, StoreError> {
        self.sets.intern(name, |id| {
            self.meta.insert(self.set_key(id), name)?;
            Ok(self.journal.commit()?)
        })
    }

    fn find_set(&self, name: &str) -> Option<u16> {
        self.sets.find(name)
    }

    fn set_name(&self, id: u16) -> Option<Arc<str>> {
        self.sets.name(id)
    }

    fn set_counts(&self) -> Vec<(u16, u64)> {
        let mut totals = Vec::new();
        for partition in &self.partitions {
            partition.lock().add_to(&mut totals);
        }
        occupied(totals)
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(self.journal.flush()?)
    }
}
