//! The records of one namespace on disk.

use std::sync::Arc;

use arc_swap::Guard;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fjall::Keyspace;
use futures::FutureExt as _;
use parking_lot::Mutex;

use super::super::sets::{SetCounts, SetTable, occupied};
use super::super::sizes::Sizes;
use super::super::{
    Answer, Commit, Cursor, Lookup, Observer, Outcome, RecordStore, ScanPage, Scanned, Sets,
    StoreError, at_once,
};
use super::codec;
use super::journal::Journal;
use super::scan::Scan;
use crate::model::{Digest, PARTITIONS, PartitionId};

/// How many commits of a batch hold their partitions' locks at a time.
const TOGETHER: usize = 256;

/// Holds the records of one namespace in a data directory; see [`super::Durable::namespace`].
///
/// Reads take no lock. Commits to one partition take turns; each is one entry of the
/// database's journal, so it is there as a whole after a crash or not at all.
pub struct DurableStore {
    name: Arc<str>,
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

    fn look_up(&self, digest: &Digest) -> Lookup {
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
                    namespace = &*self.name,
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
                namespace = &*self.name,
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
    fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()> {
        out.extend(digests.iter().map(|digest| self.look_up(digest)));
        at_once(())
    }

    fn commit<'a>(
        &'a self,
        commits: &'a mut Vec<Commit>,
        out: &'a mut Vec<Outcome>,
        observer: &'a dyn Observer,
    ) -> Answer<'a, ()> {
        let first = out.len();
        if commits.len() == 1 {
            let alone = |commit| self.commit_alone(commit, observer);
            out.extend(commits.drain(..).map(alone));
        }
        while !commits.is_empty() {
            let together = commits.len().min(TOGETHER);
            self.commit_together(commits.drain(..together), out, observer);
        }
        // With no lock held: a disk flush must not hold up the partition.
        match self.journal.durable() {
            Answer::Left(ready) => {
                fail_unless_durable(ready.into_inner(), &mut out[first..]);
                at_once(())
            }
            Answer::Right(wait) => Answer::Right(
                async move { fail_unless_durable(wait.await, &mut out[first..]) }.boxed(),
            ),
        }
    }

    /// On a tokio thread the disk is read on another one: a page may take long.
    fn scan<'a>(
        &'a self,
        partition: PartitionId,
        cursor: &'a mut Cursor,
        page: &'a ScanPage,
        out: &'a mut Vec<Scanned>,
    ) -> Answer<'a, Result<bool, StoreError>> {
        if cursor.after.is_none()
            && let Some(committing) = self.partitions.get(usize::from(partition))
        {
            // Reads take no lock, but a scan is to see what is being committed as it begins.
            drop(committing.lock());
        }
        let scan = Scan {
            records: self.records.clone(),
            namespace: self.name.clone(),
            partition,
            page: *page,
        };
        let Ok(tokio) = tokio::runtime::Handle::try_current() else {
            return at_once(scan.run(cursor, out));
        };
        let mut from = *cursor;
        let elsewhere = tokio.spawn_blocking(move || {
            let mut found = Vec::new();
            let more = scan.run(&mut from, &mut found);
            (more, from, found)
        });
        let wait = async move {
            let (more, at, mut found) = elsewhere
                .await
                .map_err(|e| StoreError::Engine(format!("the scan stopped: {e}")))?;
            *cursor = at;
            out.append(&mut found);
            more
        };
        Answer::Right(wait.boxed())
    }

    fn count(&self) -> (u64, u64) {
        self.sizes.total()
    }

    fn sets(&self) -> Guard<Arc<Sets>> {
        self.sets.now()
    }

    /// The name is as durable as the first record of the set: the journal keeps their order.
    fn set_id<'a>(&'a self, name: &'a str) -> Answer<'a, Result<u16, StoreError>> {
        at_once(
            self.sets
                .intern(name, |id| Ok(self.meta.insert(self.set_key(id), name)?)),
        )
    }

    fn set_counts(&self) -> Vec<(u16, u64)> {
        let mut totals = Vec::new();
        for partition in &self.partitions {
            partition.lock().add_to(&mut totals);
        }
        occupied(totals)
    }

    fn flush(&self) -> Answer<'_, Result<(), StoreError>> {
        self.journal.flush()
    }
}

/// What is not known to be durable must not be reported as done.
fn fail_unless_durable(durable: Result<(), StoreError>, outcomes: &mut [Outcome]) {
    if let Err(e) = durable {
        let failed = e.to_string();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = Err(StoreError::Engine(failed.clone()));
        }
    }
}
