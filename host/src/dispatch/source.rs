//! Where work gets its records: given keys, or a walk over partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Namespace;
use crate::model::{Digest, PARTITIONS, PartitionId, Result, Value};
use crate::request::{Target, Work};
use crate::store::{Cursor, Lookup, ScanPage, Scanned, StoreError};

/// One record to work on.
pub struct Item {
    /// The record's digest.
    pub digest: Digest,
    /// Its set id.
    pub set: u16,
    /// The user key, where the caller sent it.
    pub user_key: Option<Value>,
    /// What was read already.
    pub known: Option<Lookup>,
}

impl Item {
    /// The record of a key. Its set gets an id when something may be written to it.
    ///
    /// # Errors
    /// As [`Namespace::set_id`].
    pub async fn of_key(namespace: &Namespace, work: &Work, target: Target) -> Result<Self> {
        let set = match work {
            Work::Read(_) | Work::Delete => namespace.find_set(&target.set).unwrap_or(0),
            _ => namespace.set_id(&target.set).await?,
        };
        Ok(Self {
            digest: target.digest,
            set,
            user_key: target.user_key,
            known: None,
        })
    }

    /// The body bytes that were read with it.
    pub fn bytes(&self) -> usize {
        match &self.known {
            Some(Ok(Some(known))) => known.record.body.as_bytes().len(),
            _ => 0,
        }
    }
}

impl From<Scanned> for Item {
    fn from(scanned: Scanned) -> Self {
        Self {
            digest: scanned.digest,
            set: scanned.versioned.record.meta.set,
            user_key: None,
            known: Some(Ok(Some(scanned.versioned))),
        }
    }
}

/// The partitions of a walk, each taken once by one of those who share them.
pub struct Partitions {
    /// `None` for all of them, from their starts.
    some: Option<Vec<(PartitionId, Option<Digest>)>>,
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

    /// These, each from its start or after a digest.
    pub fn these(some: Vec<(PartitionId, Option<Digest>)>) -> Self {
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

    fn take(&self) -> Option<(PartitionId, Cursor)> {
        if self.is_exhausted() {
            return None;
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let (partition, after) = match &self.some {
            Some(some) => *some.get(at)?,
            None => (PartitionId::try_from(at).ok()?, None),
        };
        (at < self.len()).then_some((partition, Cursor { after }))
    }
}

/// What a step of a walk came to.
pub enum Step {
    /// The partition has more.
    More,
    /// The partition has no more.
    Ended(PartitionId),
    /// The rest of the partition cannot be read.
    Failed(PartitionId, StoreError),
    /// No partition is left.
    Over,
}

/// A walk over the records of a set or namespace, partition by partition in digest order.
pub struct Walk {
    namespace: Arc<Namespace>,
    partitions: Arc<Partitions>,
    set: Wanted,
    here: Option<(PartitionId, Cursor)>,
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
            here: None,
            page: Vec::new(),
        }
    }

    /// Whether no partition is begun and unfinished.
    pub fn is_between_partitions(&self) -> bool {
        self.here.is_none()
    }

    /// Appends the next records of a partition to `out`, at most `records` of them and few more
    /// than `bytes` of bodies, expired ones included. With a set, there may be none.
    pub async fn step(&mut self, records: usize, bytes: usize, out: &mut Vec<Item>) -> Step {
        let Some((partition, mut cursor)) = self.here.take().or_else(|| self.partitions.take())
        else {
            return Step::Over;
        };
        let set = match self.set {
            Wanted::All => None,
            Wanted::Set(id) => Some(id),
            Wanted::None => return Step::Ended(partition),
        };
        let page = ScanPage {
            set,
            records,
            bytes,
        };
        let more = self
            .namespace
            .scan(partition, &mut cursor, &page, &mut self.page)
            .await;
        out.extend(self.page.drain(..).map(Item::from));
        match more {
            Ok(true) => {
                self.here = Some((partition, cursor));
                Step::More
            }
            Ok(false) => Step::Ended(partition),
            Err(e) => Step::Failed(partition, e),
        }
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

    /// When `records` more may be worked on; `None` for at once.
    pub fn due(&self, records: usize) -> Option<Instant> {
        if self.rate == 0 {
            return None;
        }
        let cost = Duration::from_secs_f64(records as f64 / f64::from(self.rate));
        let now = Instant::now();
        let mut next = self.next.lock();
        let start = (*next).max(now);
        *next = start + cost;
        (start > now).then_some(start)
    }
}
