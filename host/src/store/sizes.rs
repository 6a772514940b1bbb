//! How many records and body bytes each partition holds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::model::PARTITIONS;

/// One partition's share, written under that partition's lock and read without it.
#[derive(Debug, Default)]
pub(super) struct Size {
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Size {
    /// Call only under the partition's write lock: nothing then comes between load and store.
    pub(super) fn change(&self, records: i64, bytes: i64) {
        add(&self.records, records);
        add(&self.bytes, bytes);
    }
}

fn add(to: &AtomicU64, n: i64) {
    if n != 0 {
        to.store(to.load(Relaxed).wrapping_add_signed(n), Relaxed);
    }
}

/// The shares of all partitions: kept apart from the records, so that a sum walks dense
/// memory and takes no lock.
#[derive(Debug)]
pub(super) struct Sizes(Box<[Size]>);

impl Sizes {
    pub(super) fn new() -> Self {
        Self((0..PARTITIONS).map(|_| Size::default()).collect())
    }

    pub(super) fn of(&self, partition: usize) -> &Size {
        &self.0[partition]
    }

    /// Records and body bytes of the namespace.
    pub(super) fn total(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(records, bytes), size| {
            (
                records + size.records.load(Relaxed),
                bytes + size.bytes.load(Relaxed),
            )
        })
    }
}
