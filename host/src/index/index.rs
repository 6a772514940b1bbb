//! One index.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Instant;

use parking_lot::Mutex;

use super::cardinality::{Cardinality, Counts};
use super::entries::{ENTRY_BYTES, Entries, Entry};
use super::{Definition, Range};
use crate::model::{Digest, PARTITIONS, PartitionId, Record};
use crate::store::Scanned;

/// Whether an index answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being built; so far it follows changes only.
    Building,
    /// It answers.
    Readable,
    /// The store could not be read; drop it, or restart.
    Failed,
}

/// What is known of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Its entries.
    pub entries: u64,
    /// The bytes of memory that they take, about.
    pub used_bytes: u64,
    /// Entries for each value, about; 0 without entries, and until it is built.
    pub entries_per_value: u64,
    /// Entries for each record that has any, about; 0 without entries, and until it is built.
    pub entries_per_record: u64,
    /// How much of it is built, in percent.
    pub load_percent: u32,
    /// How long that took so far, in seconds.
    pub load_seconds: u64,
}

/// One index: its definition and its entries. One that was renamed shares its entries.
pub struct Index {
    definition: Definition,
    tree: Arc<Tree>,
}

struct Tree {
    /// The id of its set; `None` for all of the namespace.
    set: Option<u16>,
    partitions: Box<[Mutex<Entries>]>,
    /// How many partitions are filled.
    built: AtomicU32,
    failed: AtomicBool,
    dropped: AtomicBool,
    begun: Instant,
    load_seconds: AtomicU64,
    cardinality: Cardinality,
}

impl Index {
    pub(super) fn new(definition: Definition, set: Option<u16>) -> Self {
        Self {
            definition,
            tree: Arc::new(Tree {
                set,
                partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
                built: AtomicU32::new(0),
                failed: AtomicBool::new(false),
                dropped: AtomicBool::new(false),
                begun: Instant::now(),
                load_seconds: AtomicU64::new(0),
                cardinality: Cardinality::default(),
            }),
        }
    }

    pub(super) fn renamed(&self, name: &str) -> Self {
        Self {
            definition: Definition {
                name: name.into(),
                ..self.definition.clone()
            },
            tree: self.tree.clone(),
        }
    }

    /// What it is called and what it is of.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Whether it answers.
    pub fn state(&self) -> State {
        match self.tree.built.load(Acquire) as usize {
            PARTITIONS => State::Readable,
            _ if self.tree.failed.load(Relaxed) => State::Failed,
            _ => State::Building,
        }
    }

    /// What is known of it. The entries are counted anew at most once in a while.
    pub fn statistics(&self) -> Statistics {
        let tree = &self.tree;
        let lengths = tree.partitions.iter().map(|p| p.lock().len() as u64);
        let entries: u64 = lengths.sum();
        let distinct = match self.state() {
            State::Readable => self.distinct(),
            State::Building | State::Failed => Counts::default(),
        };
        // Counts that are not of one moment, and not exact, may come to less than one.
        let per = |n: u64| match entries.min(n) {
            0 => 0,
            _ => (entries as f64 / n as f64).round().max(1.0) as u64,
        };
        Statistics {
            entries,
            used_bytes: entries * ENTRY_BYTES + (PARTITIONS * size_of::<Mutex<Entries>>()) as u64,
            entries_per_value: per(distinct.values),
            entries_per_record: per(distinct.records),
            load_percent: tree.built.load(Relaxed) * 100 / PARTITIONS as u32,
            load_seconds: match self.state() {
                State::Building => tree.begun.elapsed().as_secs(),
                _ => tree.load_seconds.load(Relaxed),
            },
        }
    }

    fn distinct(&self) -> Counts {
        self.tree.cardinality.get(|values, records| {
            for partition in &self.tree.partitions {
                partition.lock().all().for_each(|entry| {
                    values.add(entry.value());
                    records.add(entry.digest());
                });
            }
        })
    }

    /// Appends entries of a partition whose records may be in the range, after an entry, in the
    /// order of their values, at most `most` of them. Says whether there may be more.
    pub fn page(
        &self,
        partition: PartitionId,
        range: &Range,
        after: Option<Entry>,
        most: usize,
        out: &mut Vec<Entry>,
    ) -> bool {
        let (Some(values), Some(entries)) = (range.values(), self.partition(partition)) else {
            return false;
        };
        entries.lock().page(values, after, most, out)
    }

    /// Follows a change of a record.
    pub(super) fn changed(&self, digest: &Digest, before: Option<&Record>, after: Option<&Record>) {
        let of_the_set = |r: &&Record| self.tree.set.is_none_or(|set| set == r.meta.set);
        let (before, after) = (before.filter(of_the_set), after.filter(of_the_set));
        let place = &self.definition.place;
        match (before, after) {
            (None, None) => return,
            (Some(before), Some(after)) if place.is_same_in(before, after) => return,
            _ => {}
        }
        let values = |r: Option<&Record>| r.map(|r| place.values(r)).unwrap_or_default();
        let (before, after) = (values(before), values(after));
        if let Some(entries) = self.partition(digest.partition()) {
            entries.lock().change(digest, &before, &after);
        }
    }

    /// Begins to fill a partition, before the first page of its scan.
    pub(super) fn begin(&self, partition: PartitionId) {
        if let Some(entries) = self.partition(partition) {
            entries.lock().begin();
        }
    }

    /// Takes a page of the partition's scan, which reached a digest.
    pub(super) fn fill(&self, partition: PartitionId, up_to: Option<Digest>, page: &[Scanned]) {
        let place = &self.definition.place;
        let in_set = |s: &&Scanned| {
            self.tree
                .set
                .is_none_or(|set| set == s.versioned.record.meta.set)
        };
        let page: Vec<_> = page
            .iter()
            .filter(in_set)
            .map(|s| (s.digest, place.values(&s.versioned.record)))
            .collect();
        if let Some(entries) = self.partition(partition) {
            entries.lock().fill(up_to, &page);
        }
    }

    /// Ends a partition.
    pub(super) fn end(&self, partition: PartitionId) {
        if let Some(entries) = self.partition(partition) {
            entries.lock().end();
        }
        self.tree
            .load_seconds
            .store(self.tree.begun.elapsed().as_secs(), Relaxed);
        self.tree.built.fetch_add(1, Release);
    }

    /// Gives a partition up, which cannot be read.
    pub(super) fn fail(&self, partition: PartitionId) {
        self.tree.failed.store(true, Relaxed);
        if let Some(entries) = self.partition(partition) {
            entries.lock().clear();
        }
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.tree.dropped.load(Relaxed)
    }

    /// Marks it as dropped, so that whoever fills or reads it ends.
    pub(super) fn mark_dropped(&self) {
        self.tree.dropped.store(true, Relaxed);
    }

    /// Gives its memory back, partition by partition: may take a while.
    pub(super) fn clear(&self) {
        for partition in &self.tree.partitions {
            partition.lock().clear();
        }
    }

    fn partition(&self, partition: PartitionId) -> Option<&Mutex<Entries>> {
        self.tree.partitions.get(usize::from(partition))
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("definition", &self.definition)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
