//! How many instances aggregations keep.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// How many instances all aggregations of a host have together, and may have, about: each may have one
/// in any case, and a thread for which there is none more works for another.
pub struct Keeping {
    live: AtomicUsize,
    most: usize,
}

impl Keeping {
    /// None yet.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            live: AtomicUsize::new(0),
            most,
        })
    }

    /// Whether there may be one more.
    pub fn has_room(&self) -> bool {
        self.live.load(Relaxed) < self.most
    }
}

/// One of [`Keeping`].
pub struct Live(Arc<Keeping>);

impl Live {
    /// One more, until it is dropped.
    pub fn of(instances: &Arc<Keeping>) -> Self {
        instances.live.fetch_add(1, Relaxed);
        Self(instances.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Relaxed);
    }
}
