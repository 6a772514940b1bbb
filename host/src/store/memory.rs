//! Records in memory: a digest-ordered map per partition, each behind its own lock.

use std::hint::black_box;
use std::sync::Arc;

use arc_swap::Guard;

use parking_lot::RwLock;

use super::observer::tell;
use super::ordered::Ordered;
use super::sets::{SetCounts, SetTable, occupied};
use super::sizes::{Size, Sizes};
use super::{
    Answer, Change, Commit, Committed, Cursor, Expected, Lookup, Observer, Outcome, RecordStore,
    ScanPage, Scanned, Sets, StoreError, Version, Versioned, at_once,
};
use crate::model::{Body, Digest, Meta, PARTITIONS, PartitionId, Record};

/// Holds the records of one namespace in memory; they are gone when it is dropped.
///
/// A record costs its body, some 16 bytes of its own and about 70 bytes of index.
pub struct MemoryStore {
    partitions: Box<[RwLock<Partition>]>,
    sizes: Sizes,
    sets: SetTable,
}

#[derive(Default)]
struct Partition {
    records: Ordered<Entry>,
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
        match (self.records.find(digest), change) {
            (Err(_), Change::Remove) => match expected {
                Expected::Version(_) => Err(StoreError::Conflict),
                Expected::Any | Expected::Absent => Ok((committed(self.clock, false), None)),
            },
            (Err(place), Change::Put(record)) => {
                if let Expected::Version(_) = expected {
                    return Err(StoreError::Conflict);
                }
                self.clock += 1;
                self.sets.add(record.meta.set);
                size.change(1, len(&record.body));
                let entry = Entry {
                    body: record.body,
                    meta: record.meta,
                    version: self.clock,
                };
                self.records.insert(place, *digest, entry);
                Ok((committed(self.clock, false), None))
            }
            (Ok(place), change) => {
                let entry = self.records.value_mut(place);
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
                        let old = self.records.remove(place);
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
        let wanted = |entry: &Entry| page.set.is_none_or(|set| set == entry.meta.set);
        loop {
            // Writers are let in after each leaf.
            let partition = partition.read();
            let (digests, entries) = partition.records.after(cursor.after.as_ref());
            if digests.is_empty() {
                return false;
            }
            let ahead = entries.len().min(page.records - records);
            warm(entries[..ahead].iter().filter(|entry| wanted(entry)));
            for (digest, entry) in digests.iter().zip(entries) {
                cursor.after = Some(*digest);
                if !wanted(entry) {
                    continue;
                }
                records += 1;
                bytes += entry.body.as_bytes().len();
                out.push(Scanned {
                    digest: *digest,
                    versioned: entry.versioned(),
                });
                if records >= page.records || bytes > page.bytes {
                    return !partition.records.after(Some(digest)).0.is_empty();
                }
            }
        }
    }
}

impl RecordStore for MemoryStore {
    fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()> {
        for digest in digests {
            let partition = self.partitions[usize::from(digest.partition())].read();
            out.push(Ok(partition.records.get(digest).map(Entry::versioned)));
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
fn warm<'a>(entries: impl Iterator<Item = &'a Entry>) {
    let lines = |entry: &'a Entry| entry.body.as_bytes().iter().step_by(LINE).take(WARM_LINES);
    let sum = entries
        .flat_map(lines)
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    black_box(sum);
}
