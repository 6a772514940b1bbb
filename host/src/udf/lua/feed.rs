//! What goes into an aggregation's operations, and what comes out of them.

use std::ptr;

use crate::change::RecordContext;
use crate::model::Value;

/// What is left of a batch or of partial values while they are run, and the values that came out.
/// The pointers are set for the length of one call.
pub(super) struct Feed {
    record: *mut RecordContext,
    records: usize,
    partial: *const Value,
    partials: usize,
    /// What came out.
    pub(super) values: Vec<Value>,
    /// The most bytes that one value may have.
    pub(super) largest: usize,
    /// The value that ended the aggregation.
    pub(super) refused: Option<Refused>,
}

/// A value that is too long, by its length, or cannot be packed at all.
pub(super) struct Refused {
    pub(super) len: Option<usize>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            record: ptr::null_mut(),
            records: 0,
            partial: ptr::null(),
            partials: 0,
            values: Vec::new(),
            largest: 0,
            refused: None,
        }
    }
}

impl Feed {
    /// The records of the next call.
    pub(super) fn records(&mut self, batch: &mut [RecordContext]) {
        (self.record, self.records) = (batch.as_mut_ptr(), batch.len());
    }

    /// The partial values of the next call.
    pub(super) fn partials(&mut self, values: &[Value]) {
        (self.partial, self.partials) = (values.as_ptr(), values.len());
    }

    /// Forgets what was lent.
    pub(super) fn empty(&mut self) {
        (self.record, self.records) = (ptr::null_mut(), 0);
        (self.partial, self.partials) = (ptr::null(), 0);
    }

    /// The next record, which is there until [`empty`](Self::empty).
    pub(super) fn next_record(&mut self) -> Option<*mut RecordContext> {
        self.records = self.records.checked_sub(1)?;
        let record = self.record;
        self.record = record.wrapping_add(1);
        Some(record)
    }

    /// The next partial value, which is there until [`empty`](Self::empty).
    pub(super) fn next_partial(&mut self) -> Option<*const Value> {
        self.partials = self.partials.checked_sub(1)?;
        let partial = self.partial;
        self.partial = partial.wrapping_add(1);
        Some(partial)
    }
}
