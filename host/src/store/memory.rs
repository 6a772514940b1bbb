//! Records in memory: a digest-ordered map per partition, each behind its own lock.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;

use arc_swap::Guard;

use parking_lot::RwLock;

use super::observer::tell;
use super::sets::{SetCounts, SetTable, occupied};
use super::sizes::{Size, Sizes};
use super::{
    Answer, Change, Commit, Committed, Cursor, Expected, Lookup, Observer, Outcome, RecordStore,
    ScanPage, Scanned, Sets, StoreError, Version, Versioned, at_once,
};
use crate::model::{Body, Digest, Meta, PARTITIONS, PartitionId, Record};

/// How many records a scan looks at before it lets writers in.
const SCAN_STRIDE: usize = 512;

/// Holds the records of one namespace in memory; they are gone when it is dropped.
///
/// A record costs its body, some 16 bytes of its own and about 90 bytes of index.
pub struct MemoryStore {
    partitions: Box<[RwLock<Partition>]>,
    sizes: Sizes,
    sets: SetTable,
}

#[derive(Default)]
struct Partition {
    records: BTreeMap<Slot, Entry>,
    /// The last version given out. One clock per partition, never turned back: a record that
    /// is removed and written again has a version nobody saw before.
    clock: u64,
    sets: SetCounts,
}

struct Entry {
    body: Body,
    meta: Meta,
    version: u64,
}

impl Entry {
    fn versioned(&self) -> Versioned {
        Versioned {
            record: Record {
                meta: self.meta,
                body: self.body.clone(),
            },
            version: Version(self.version),
        }
    }
}

/// A digest whose order is the bytes' order, decided by one integer comparison nearly always.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(Digest);

impl Slot {
    #[inline]
    fn halves(&self) -> (u64, &[u8]) {
        let (head, rest) = self.0.0.split_at(8);
        let mut word = [0; 8];
        word.copy_from_slice(head);
        (u64::from_be_bytes(word), rest)
    }
}

impl Ord for Slot {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let ((a, a_rest), (b, b_rest)) = (self.halves(), other.halves());
        a.cmp(&b).then_with(|| a_rest.cmp(b_rest))
    }
}

impl PartialOrd for Slot {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| RwLock::default()).collect(),
            sizes: Sizes::new(),
            sets: SetTable::new(),
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (records, bytes) = self.count();
        f.debug_struct("MemoryStore")
            .field("records", &records)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

impl Partition {
    /// Applies one commit; hands back the entry it replaced, to be dropped outside the lock.
    fn commit(
        &mut self,
        digest: &Digest,
        expected: Expected,
        change: Change,
        size: &Size,
    ) -> Result<(Committed, Option<Entry>), StoreError> {
        match (self.records.entry(Slot(*digest)), change) {
            (btree_map::Entry::Vacant(_), Change::Remove) => match expected {
                Expected::Version(_) => Err(StoreError::Conflict),
                Expected::Any | Expected::Absent => Ok((committed(self.clock, false), None)),
            },
            (btree_map::Entry::Vacant(slot), Change::Put(record)) => {
                if let Expected::Version(_) = expected {
                    return Err(StoreError::Conflict);
                }
                self.clock += 1;
                self.sets.add(record.meta.set);
                size.change(1, len(&record.body));
                slot.insert(Entry {
                    body: record.body,
                    meta: record.meta,
                    version: self.clock,
                });
                Ok((committed(self.clock, false), None))
            }
            (btree_map::Entry::Occupied(mut slot), change) => {
                let entry = slot.get_mut();
                match expected {
                    Expected::Any => {}
                    Expected::Version(Version(v)) if v == entry.version => {}
                    Expected::Version(_) | Expected::Absent => return Err(StoreError::Conflict),
                }
                let old = match change {
                    Change::Put(record) => {
                        self.clock += 1;
                        if entry.meta.set != record.meta.set {
                            self.sets.sub(entry.meta.set);
                            self.sets.add(record.meta.set);
                        }
                        size.change(0, len(&record.body) - len(&entry.body));
                        let new = Entry {
                            body: record.body,
                            meta: record.meta,
                            version: self.clock,
                        };
                        std::mem::replace(entry, new)
                    }
                    Change::Remove => {
                        let old = slot.remove();
                        self.sets.sub(old.meta.set);
                        size.change(-1, -len(&old.body));
                        old
                    }
                };
                Ok((committed(self.clock, true), Some(old)))
            }
        }
    }
}

fn committed(clock: u64, existed: bool) -> Committed {
    Committed {
        version: Version(clock),
        existed,
    }
}

fn len(body: &Body) -> i64 {
    body.as_bytes().len() as i64
}

impl MemoryStore {
    fn commit_alone(&self, commit: Commit, observer: &dyn Observer) -> Outcome {
        let at = usize::from(commit.digest.partition());
        let mut partition = self.partitions[at].write();
        let Commit {
            digest,
            expected,
            change,
        } = commit;
        let watched = observer.is_watching();
        let after = match &change {
            Change::Put(record) if watched => Some(record.clone()),
            _ => None,
        };
        let outcome = partition.commit(&digest, expected, change, self.sizes.of(at));
        if watched && let Ok((_, old)) = &outcome {
            let before = old.as_ref().map(|entry| entry.versioned().record);
            tell(observer, &digest, before.as_ref(), after.as_ref());
        }
        drop(partition);
        // The lock is free again; the old body is dropped here, after it.
        outcome.map(|(committed, _old)| committed)
    }

    fn scan_now(
        &self,
        partition: PartitionId,
        cursor: &mut Cursor,
        page: &ScanPage,
        out: &mut Vec<Scanned>,
    ) -> bool {
        let Some(partition) = self.partitions.get(usize::from(partition)) else {
            return false;
        };
        let (mut records, mut bytes) = (0, 0);
        loop {
            let partition = partition.read();
            let from = cursor
                .after
                .map_or(Bound::Unbounded, |d| Bound::Excluded(Slot(d)));
            let mut walk = partition.records.range((from, Bound::Unbounded));
            let wanted = |entry: &Entry| page.set.is_none_or(|set| set == entry.meta.set);
            let ahead = walk.clone().take(SCAN_STRIDE.min(page.records));
            warm(ahead.filter(|(_, entry)| wanted(entry)));
            for (slot, entry) in walk.by_ref().take(SCAN_STRIDE) {
                cursor.after = Some(slot.0);
                if !wanted(entry) {
                    continue;
                }
                records += 1;
                bytes += entry.body.as_bytes().len();
                out.push(Scanned {
                    digest: slot.0,
                    versioned: entry.versioned(),
                });
                if records >= page.records || bytes > page.bytes {
                    return walk.next().is_some();
                }
            }
            if walk.next().is_none() {
                return false;
            }
        }
    }
}

impl RecordStore for MemoryStore {
    fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()> {
        for digest in digests {
            let partition = self.partitions[usize::from(digest.partition())].read();
            out.push(Ok(partition
                .records
                .get(&Slot(*digest))
                .map(Entry::versioned)));
        }
        at_once(())
    }

    fn commit<'a>(
        &'a self,
        commits: &'a mut Vec<Commit>,
        out: &'a mut Vec<Outcome>,
        observer: &'a dyn Observer,
    ) -> Answer<'a, ()> {
        let alone = |commit| self.commit_alone(commit, observer);
        out.extend(commits.drain(..).map(alone));
        at_once(())
    }

    fn scan<'a>(
        &'a self,
        partition: PartitionId,
        cursor: &'a mut Cursor,
        page: &'a ScanPage,
        out: &'a mut Vec<Scanned>,
    ) -> Answer<'a, Result<bool, StoreError>> {
        at_once(Ok(self.scan_now(partition, cursor, page, out)))
    }

    fn count(&self) -> (u64, u64) {
        self.sizes.total()
    }

    fn sets(&self) -> Guard<Arc<Sets>> {
        self.sets.now()
    }

    fn set_id<'a>(&'a self, name: &'a str) -> Answer<'a, Result<u16, StoreError>> {
        at_once(self.sets.intern(name, |_| Ok(())))
    }

    fn set_counts(&self) -> Vec<(u16, u64)> {
        let mut totals = Vec::new();
        for partition in &self.partitions {
            partition.read().sets.add_to(&mut totals);
        }
        occupied(totals)
    }

    fn flush(&self) -> Answer<'_, Result<(), StoreError>> {
        at_once(Ok(()))
    }
}

/// A cache line, in bytes.
const LINE: usize = 64;

/// How many lines of a body are warmed; what is longer is read in order, which the processor foresees.
const WARM_LINES: usize = 4;

/// Reads a byte of each line of each body's beginning, so that the lines are fetched side by side.
///
/// Sharing a body increments its count with a locked instruction, and those wait for one
/// another's cache misses; plain loads do not.
fn warm<'a>(entries: impl Iterator<Item = (&'a Slot, &'a Entry)>) {
    let lines = |entry: &'a Entry| entry.body.as_bytes().iter().step_by(LINE).take(WARM_LINES);
    let sum = entries
        .flat_map(|(_, entry)| lines(entry))
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    black_box(sum);
}
