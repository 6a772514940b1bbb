//! Where the outcomes of work go: to a caller, or into the counts of a task.

use std::sync::atomic::Ordering::Relaxed;

use super::source::Item;
use crate::model::ResultCode;
use crate::request::{Found, Reply, ReplyBins};
use crate::task::Task;

/// What work on one record came to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done, or has failed.
    Reply(Reply),
    /// The function outran the budget's patience. It changed nothing and may be run elsewhere.
    Overran,
}

/// Takes the outcomes of a batch, one for each record, in order.
pub trait Sink: Send {
    /// Takes the outcome of the next record.
    fn take(&mut self, item: &Item, outcome: Outcome);
}

/// The outcome of a single record.
impl Sink for Option<Outcome> {
    fn take(&mut self, _: &Item, outcome: Outcome) {
        *self = Some(outcome);
    }
}

/// Replies, for work under a budget whose patience does not end.
impl Sink for Vec<Reply> {
    fn take(&mut self, _: &Item, outcome: Outcome) {
        self.push(match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Overran => ResultCode::Timeout.into(),
        });
    }
}

/// The records that a query found. One that has none of the bins asked for is not among them.
impl Sink for Vec<Found> {
    fn take(&mut self, item: &Item, outcome: Outcome) {
        if let Outcome::Reply(Reply {
            code: ResultCode::Ok,
            generation,
            void_time,
            bins: ReplyBins::Record(body, selection),
            ..
        }) = outcome
            && selection.is_met_by(&body)
        {
            self.push(Found {
                digest: item.digest,
                set: item.set,
                generation,
                void_time,
                found_at: item.found_at,
                body,
            });
        }
    }
}

/// Counts outcomes, and passes the sums to a task when it is dropped.
pub struct Tally<'a> {
    task: &'a Task,
    succeeded: u64,
    failed: u64,
    filtered: u64,
}

impl<'a> Tally<'a> {
    /// A tally for a task.
    pub fn of(task: &'a Task) -> Self {
        Self {
            task,
            succeeded: 0,
            failed: 0,
            filtered: 0,
        }
    }
}

impl Sink for Tally<'_> {
    fn take(&mut self, _: &Item, outcome: Outcome) {
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Overran => ResultCode::Timeout.into(),
        };
        match reply.code {
            ResultCode::Ok => self.succeeded += 1,
            ResultCode::FilteredOut => self.filtered += 1,
            // Deleted between the scan and the work, or cut off by an abort: neither done nor failed.
            ResultCode::NotFound | ResultCode::ScanAborted => {}
            code => {
                self.failed += 1;
                if self.failed == 1 {
                    self.task
                        .note_failure(reply.message.as_deref().unwrap_or(code.text()));
                }
            }
        }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let counts = &self.task.counts;
        let filter = self.task.spec.request().filter.as_ref();
        let filtered = match filter.is_some_and(|f| f.needs_bins()) {
            true => &counts.filtered_bins,
            false => &counts.filtered_meta,
        };
        counts.succeeded.fetch_add(self.succeeded, Relaxed);
        counts.failed.fetch_add(self.failed, Relaxed);
        filtered.fetch_add(self.filtered, Relaxed);
    }
}
