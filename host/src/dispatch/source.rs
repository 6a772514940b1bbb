//! Where work gets its records: given keys, or a walk over partitions, whole or by an index.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Namespace;
pub use super::item::Item;
use super::range::{Ranged, Reader};
use crate::model::{PARTITIONS, PartitionId};
use crate::request::Resume;
use crate::store::{Cursor, ScanPage, Scanned, StoreError};

/// The partitions of a walk, each taken once by one of those who share them.
pub struct Partitions {
    /// `None` for all of them, from their starts.
    some: Option<Vec<(PartitionId, Option<Resume>)>>,
    next: AtomicUsize,
}

impl Partitions {
    /// Every partition.
    pub fn all() -> Self {
        Self {
            some: None,
            next: AtomicUsize::new(0),
        }
    }

    /// These, each from its start or after a record.
    pub fn these(some: Vec<(PartitionId, Option<Resume>)>) -> Self {
        Self {
            some: Some(some),
            next: AtomicUsize::new(0),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.some.as_ref().map_or(PARTITIONS, Vec::len)
    }

    /// Whether none is left to take.
    pub fn is_exhausted(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.len()
    }

    fn take(&self) -> Option<(PartitionId, Option<Resume>)> {
        if self.is_exhausted() {
            return None;
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let (partition, after) = match &self.some {
            Some(some) => *some.get(at)?,
            None => (PartitionId::try_from(at).ok()?, None),
        };
        (at < self.len()).then_some((partition, after))
    }
}

/// What a step of a walk came to.
pub enum Step {
    /// The partition has more.
    More,
    /// The partition has no more.
    Ended,
    /// The rest of the partition cannot be read.
    Failed(PartitionId, StoreError),
    /// No partition is left.
    Over,
}

/// A walk over the records of a set or namespace, partition by partition: in digest order, or in
/// the order of an index.
pub struct Walk {
    namespace: Arc<Namespace>,
    partitions: Arc<Partitions>,
    set: Wanted,
    range: Option<Reader>,
    here: Option<(PartitionId, Option<Resume>)>,
    page: Vec<Scanned>,
}

/// Which records a walk is for.
#[derive(Clone, Copy)]
enum Wanted {
    All,
    Set(u16),
    /// The set has no id, so no record is in it.
    None,
}

impl Walk {
    /// A walk over partitions as they are taken, for the records of a set; of the namespace, where
    /// the set is `None`.
    pub fn new(
        namespace: &Arc<Namespace>,
        set: Option<&[u8]>,
        partitions: &Arc<Partitions>,
    ) -> Self {
        Self {
            namespace: namespace.clone(),
            partitions: partitions.clone(),
            set: match set {
                None => Wanted::All,
                Some(name) => namespace.find_set(name).map_or(Wanted::None, Wanted::Set),
            },
            range: None,
            here: None,
            page: Vec::new(),
        }
    }

    /// Goes by a range of an index, where there is one. A record that changed since may be out of
    /// it: see [`Ranged::filter`].
    pub fn within(mut self, range: Option<Ranged>) -> Self {
        self.range = range.map(Reader::new);
        self
    }

    /// Whether no partition is begun and unfinished.
    pub fn is_between_partitions(&self) -> bool {
        self.here.is_none()
    }

    /// Appends the next records of a partition to `out`, at most `records` of them and few more
    /// than `bytes` of bodies, expired ones included. With a set, there may be none.
    pub async fn step(&mut self, records: usize, bytes: usize, out: &mut Vec<Item>) -> Step {
        let Some((partition, mut after)) = self.here.take().or_else(|| self.partitions.take())
        else {
            return Step::Over;
        };
        let set = match self.set {
            Wanted::All => None,
            Wanted::Set(id) => Some(id),
            Wanted::None => return Step::Ended,
        };
        let more = match &mut self.range {
            Some(range) => {
                let (of, most) = ((partition, set), (records, bytes));
                range.page(&self.namespace, of, &mut after, most, out).await
            }
            None => {
                let page = ScanPage {
                    set,
                    records,
                    bytes,
                };
                self.scan(partition, &mut after, &page, out).await
            }
        };
        match more {
            Ok(true) => {
                self.here = Some((partition, after));
                Step::More
            }
            Ok(false) => Step::Ended,
            Err(e) => Step::Failed(partition, e),
        }
    }

    async fn scan(
        &mut self,
        partition: PartitionId,
        after: &mut Option<Resume>,
        page: &ScanPage,
        out: &mut Vec<Item>,
    ) -> Result<bool, StoreError> {
        let mut cursor = Cursor {
            after: after.map(|resume| resume.digest),
        };
        let more = self
            .namespace
            .scan(partition, &mut cursor, page, &mut self.page)
            .await;
        *after = cursor.after.map(Resume::after);
        out.extend(self.page.drain(..).map(Item::from));
        more
    }
}

/// Holds work back to so many records a second, shared by all who do it.
pub struct Throttle {
    rate: u32,
    next: Mutex<Instant>,
}

impl Throttle {
    /// At most `rate` records a second; 0 for no limit.
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            next: Mutex::new(Instant::now()),
        }
    }

    /// How many records to take at a time, `most` where there is no limit: a small part of a second's.
    pub fn batch(&self, most: usize) -> usize {
        match self.rate as usize {
            0 => most,
            rate => (rate / 20).clamp(1, most),
        }
    }

    /// When `records` more may go: `n` records take `n / rate` seconds, the last like the first.
    /// `None` for at once.
    pub fn due(&self, records: usize) -> Option<Instant> {
        if self.rate == 0 {
            return None;
        }
        let cost = Duration::from_secs_f64(records as f64 / f64::from(self.rate));
        let now = Instant::now();
        let mut next = self.next.lock();
        *next = (*next).max(now) + cost;
        (*next > now).then_some(*next)
    }
}
