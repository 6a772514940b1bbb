//! A background task: a walk, the task's request, and counts.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::executor::block_on;

use super::Namespace;
use super::apply::{Environment, Worker};
use super::range::Ranged;
use super::schedule::Job;
use super::sink::Tally;
use super::source::{Item, Partitions, Step, Throttle, Walk};
use crate::model::Result;
use crate::request::Request;
use crate::task::Task;
use crate::udf::{Budget, Registry};

/// Records per batch: past this a larger batch gains nothing (see the benches).
pub(super) const BATCH: usize = 256;
/// Body bytes per batch, so that large records make small batches.
pub(super) const BATCH_BYTES: usize = 1 << 20;
/// A worker that was given a task keeps it for so long before the next task has its turn.
pub(super) const SLICE: Duration = Duration::from_millis(20);

/// A task with what its workers share.
pub struct Background {
    task: Arc<Task>,
    namespace: Arc<Namespace>,
    range: Option<Ranged>,
    request: Request,
    partitions: Arc<Partitions>,
    throttle: Throttle,
    budget: Budget,
}

/// Records on their way to the worker.
#[derive(Default)]
struct Batch {
    items: Vec<Item>,
    bytes: usize,
    /// Partitions that end within this batch.
    partitions: u32,
}

impl Background {
    /// The work of a task over a namespace, or over a range of an index.
    pub fn new(task: Arc<Task>, namespace: Arc<Namespace>, range: Option<Ranged>) -> Self {
        let mut request = task.spec.request().clone();
        request.filter = Ranged::filter(range.as_ref(), request.filter);
        Self {
            range,
            request,
            partitions: Arc::new(Partitions::all()),
            throttle: Throttle::new(task.spec.records_per_second),
            budget: Budget {
                patience: None,
                cancel: Some(task.cancel.clone()),
            },
            task,
            namespace,
        }
    }

    /// Small partitions share a batch.
    async fn slice(&self, registry: &Registry, worker: &mut Worker) -> Result<bool> {
        let until = Instant::now() + SLICE;
        let set = self.task.spec.set();
        let walk = Walk::new(&self.namespace, set, &self.partitions);
        let mut walk = walk.within(self.range.clone());
        let size = self.throttle.batch(BATCH);
        let mut batch = Batch::default();
        while !self.task.cancel.is_cancelled() {
            let room = size.saturating_sub(batch.items.len()).max(1);
            let bytes = BATCH_BYTES.saturating_sub(batch.bytes).max(1);
            let first = batch.items.len();
            match walk.step(room, bytes, &mut batch.items).await {
                Step::More => {}
                Step::Ended => batch.partitions += 1,
                Step::Failed(_, e) => return Err(e.into()),
                Step::Over => break,
            }
            batch.bytes += batch.items[first..].iter().map(Item::bytes).sum::<usize>();
            if batch.items.len() >= size || batch.bytes >= BATCH_BYTES {
                self.apply(&mut batch, registry, worker).await;
            }
            if walk.is_between_partitions() && Instant::now() > until {
                self.apply(&mut batch, registry, worker).await;
                return Ok(self.is_exhausted());
            }
        }
        self.apply(&mut batch, registry, worker).await;
        Ok(true)
    }

    async fn apply(&self, batch: &mut Batch, registry: &Registry, worker: &mut Worker) {
        if !batch.items.is_empty() && !self.task.cancel.is_cancelled() {
            pace(&self.throttle, &self.task, batch.items.len());
            let scope = self.namespace.scope();
            let env = Environment {
                namespace: &self.namespace,
                scope: &scope,
                registry,
                budget: &self.budget,
            };
            let mut tally = Tally::of(&self.task);
            worker
                .apply(&env, &self.request, &mut batch.items, &mut tally)
                .await;
        }
        self.task.partitions_done(batch.partitions);
        batch.items.clear();
        (batch.bytes, batch.partitions) = (0, 0);
    }
}

impl Job for Background {
    fn task(&self) -> &Arc<Task> {
        &self.task
    }

    fn is_ready(&self, _: u32) -> bool {
        true
    }

    fn is_exhausted(&self) -> bool {
        self.partitions.is_exhausted() || self.task.cancel.is_cancelled()
    }

    fn run_slice(&self, registry: &Registry, worker: &mut Worker) -> Result<bool> {
        block_on(self.slice(registry, worker))
    }
}

/// Holds a thread back so that the task stays within its rate.
pub(super) fn pace(throttle: &Throttle, task: &Task, records: usize) {
    let Some(due) = throttle.due(records) else {
        return;
    };
    task.counts.throttled.fetch_add(records as u64, Relaxed);
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || task.cancel.is_cancelled() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(20)));
    }
}
