//! How many records cross at once.

use std::time::{Duration, Instant};

/// The most records of one crossing: past this the boundary's cost no longer shows.
const CROSSING: usize = 256;

/// How many records the next crossing takes. A crossing has the time of one record, so that a loop
/// in one of many is found soon; crossings of slow functions are kept small enough for it.
pub(super) struct Pace {
    size: usize,
}

impl Pace {
    /// Starts with full crossings: what fails in one can be run again record by record.
    pub(super) fn full() -> Self {
        Self { size: CROSSING }
    }

    /// Starts with one record, and feels its way: what fails is not run again.
    pub(super) fn careful() -> Self {
        Self { size: 1 }
    }

    /// How many records the next crossing takes, of so many.
    pub(super) fn next(&self, of: usize) -> usize {
        self.size.min(of)
    }

    /// The next crossing takes one record.
    pub(super) fn restart(&mut self) {
        self.size = 1;
    }

    /// When a crossing of so many records begins: none for one that is too small to be slow.
    pub(super) fn began(&self, count: usize) -> Option<Instant> {
        (count >= self.size).then(Instant::now)
    }

    /// Takes note of a crossing that succeeded: the next is twice as large while crossings are well
    /// within the time of one record, and half as large when they come near it.
    pub(super) fn ended(&mut self, began: Option<Instant>, limit: Duration) {
        let Some(began) = began else { return };
        let took = began.elapsed();
        if took * 8 < limit {
            self.size = (self.size * 2).min(CROSSING);
        } else if took * 3 > limit {
            self.size = (self.size / 2).max(1);
        }
    }
}
