//! What a thread of an aggregation folds with.

use std::time::{Duration, Instant};

use super::background::BATCH;
use super::live::Live;
use super::source::{Item, Walk};
use crate::change::{RecordContext, Scope};
use crate::model::Value;
use crate::udf::{Aggregator, Budget, Instance, UdfError, UdfErrorKind};

/// Fewer records are folded at a time where that takes longer: nothing is yielded meanwhile.
const LONG: Duration = Duration::from_millis(5);

/// One instance with the state that it folds into, and the part of the walk that it is at.
pub(super) struct Folder {
    instance: Box<dyn Instance>,
    pub walk: Walk,
    pub items: Vec<Item>,
    pub contexts: Vec<RecordContext>,
    pub values: Vec<Value>,
    /// When its state was last taken.
    pub taken: Instant,
    /// How many records it folds at a time.
    together: usize,
    _live: Live,
}

impl Folder {
    /// A folder with an instance whose aggregation is open.
    pub fn new(instance: Box<dyn Instance>, walk: Walk, live: Live) -> Self {
        Self {
            instance,
            walk,
            items: Vec::new(),
            contexts: Vec::new(),
            values: Vec::new(),
            taken: Instant::now(),
            together: 1,
            _live: live,
        }
    }

    /// The instance's aggregation.
    ///
    /// # Errors
    /// When the runtime lost it.
    pub fn open(&mut self) -> Result<&mut dyn Aggregator, UdfError> {
        let closed = || UdfError::new(UdfErrorKind::Host, "the runtime lost the aggregation");
        self.instance.aggregator().ok_or_else(closed)
    }

    /// Folds the first of the records, as many as should not take long, and returns how many. What
    /// comes of them is in `values`.
    ///
    /// # Errors
    /// The function's.
    pub fn fold(
        &mut self,
        records: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
    ) -> Result<usize, UdfError> {
        let count = self.together.min(records.len());
        let start = Instant::now();
        let mut values = std::mem::take(&mut self.values);
        self.open()?
            .fold(&mut records[..count], scope, budget, &mut values)?;
        self.values = values;
        self.together = match start.elapsed() {
            took if took > LONG => (count / 2).max(1),
            _ => (self.together * 2).min(BATCH),
        };
        Ok(count)
    }
}
