//! An aggregation: a walk, a fold of each thread's own, and the values that come of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use parking_lot::Mutex;

use super::Namespace;
use super::apply::{Environment, Worker};
use super::attempt::admit;
use super::background::{BATCH, BATCH_BYTES, SLICE, pace};
use super::folder::Folder;
use super::live::{Keeping, Live};
use super::outlet::{Outlet, Taken};
use super::range::Ranged;
use super::schedule::{Bell, Job};
use super::source::{Item, Partitions, Step, Throttle, Walk};
use crate::change::RecordContext;
use crate::model::{Error, Result, ResultCode, Value};
use crate::request::{AggregateSpec, Request, UdfCall, Yields};
use crate::task::{Status, Task};
use crate::udf::{Budget, Registered, Registry, UdfError, UdfErrorKind};

/// Partial values go out after this long at the latest, or a client would take the wait for a stall.
const YIELD_EVERY: Duration = Duration::from_secs(2);
/// The reader's end of a running aggregation, which ends when this is dropped.
pub struct Aggregation {
    work: Arc<Folding>,
    bell: Bell,
}

impl Aggregation {
    /// The next values; `None` at the end.
    ///
    /// # Errors
    /// What ended the aggregation before its time, once: a failed function, an abort, the store.
    pub async fn next(&mut self) -> Option<Result<Vec<Value>>> {
        loop {
            match self.work.outlet.take() {
                Taken::Values(values, was_full) => {
                    if was_full {
                        self.bell.ring();
                    }
                    return Some(Ok(values));
                }
                Taken::Failure(e) => return Some(Err(e)),
                Taken::End => return None,
                Taken::Nothing => {}
            }
            self.work.outlet.wait().await;
        }
    }
}

impl Drop for Aggregation {
    fn drop(&mut self) {
        self.work.task.abort();
        self.bell.ring();
    }
}

/// An aggregation with what its threads share.
pub struct Folding {
    task: Arc<Task>,
    namespace: Arc<Namespace>,
    /// What runs is what was registered at the start, whatever is registered meanwhile.
    module: Arc<Registered>,
    call: UdfCall,
    yields: Yields,
    /// How long partial values may keep the reader waiting.
    patience: Duration,
    range: Option<Ranged>,
    request: Request,
    partitions: Arc<Partitions>,
    /// How many partitions are folded to their end.
    ended: AtomicUsize,
    throttle: Throttle,
    budget: Budget,
    keeping: Arc<Keeping>,
    /// Those that no thread has at the moment.
    folders: Mutex<Vec<Folder>>,
    failure: Mutex<Option<Error>>,
    outlet: Outlet,
}

impl Folding {
    /// The work of an aggregation by a module over a namespace, or over a range of an index.
    pub fn new(
        spec: AggregateSpec,
        task: Arc<Task>,
        namespace: Arc<Namespace>,
        module: Arc<Registered>,
        keeping: Arc<Keeping>,
        range: Option<Ranged>,
    ) -> Self {
        let mut request = task.spec.request().clone();
        request.filter = Ranged::filter(range.as_ref(), request.filter);
        Self {
            range,
            request,
            budget: Budget {
                patience: None,
                cancel: Some(task.cancel.clone()),
            },
            throttle: Throttle::new(spec.records_per_second),
            partitions: Arc::new(
                spec.partitions
                    .map_or_else(Partitions::all, Partitions::these),
            ),
            call: spec.call,
            yields: spec.yields,
            patience: match spec.socket_timeout {
                0 => YIELD_EVERY,
                timeout => YIELD_EVERY.min(Duration::from_millis(timeout.into()) / 2),
            },
            ended: AtomicUsize::new(0),
            folders: Mutex::default(),
            failure: Mutex::default(),
            outlet: Outlet::default(),
            task,
            namespace,
            module,
            keeping,
        }
    }

    /// What reads the values.
    pub fn reader(self: &Arc<Self>, bell: Bell) -> Aggregation {
        Aggregation {
            work: self.clone(),
            bell,
        }
    }

    /// An instance that no thread has, one in the middle of a partition first; else a new one.
    fn folder(&self) -> Result<Folder, UdfError> {
        {
            let mut folders = self.folders.lock();
            let begun = |f: &Folder| !f.walk.is_between_partitions();
            if let Some(at) = folders.iter().position(begun) {
                return Ok(folders.swap_remove(at));
            }
            if let Some(folder) = folders.pop() {
                return Ok(folder);
            }
        }
        let live = Live::of(&self.keeping);
        let mut instance = self.module.module.instantiate()?;
        let UdfCall { function, args, .. } = &self.call;
        instance.aggregate(function, args, &self.budget)?;
        let walk = Walk::new(&self.namespace, self.task.spec.set(), &self.partitions);
        Ok(Folder::new(instance, walk.within(self.range.clone()), live))
    }

    async fn slice(&self, registry: &Registry) -> Result<()> {
        let until = Instant::now() + SLICE;
        let mut folder = self.folder().map_err(|e| failed(&e))?;
        self.fold_until(until, &mut folder, registry).await?;
        self.folders.lock().push(folder);
        Ok(())
    }

    async fn fold_until(
        &self,
        until: Instant,
        folder: &mut Folder,
        registry: &Registry,
    ) -> Result<()> {
        let batch = self.throttle.batch(BATCH);
        let (mut bytes, mut ended) = (0, 0);
        loop {
            let first = folder.items.len();
            let room = batch.saturating_sub(first).max(1);
            let step = folder
                .walk
                .step(
                    room,
                    BATCH_BYTES.saturating_sub(bytes).max(1),
                    &mut folder.items,
                )
                .await;
            let mut last = self.task.cancel.is_cancelled() || Instant::now() > until;
            match step {
                Step::More => {}
                Step::Ended => ended += 1,
                Step::Failed(_, e) => return Err(e.into()),
                Step::Over => last = true,
            }
            bytes += folder.items[first..].iter().map(Item::bytes).sum::<usize>();
            if last || folder.items.len() >= batch || bytes >= BATCH_BYTES {
                self.fold(folder, registry)?;
                // Only now: what counts as ended is in the state.
                self.ended.fetch_add(ended as usize, Relaxed);
                self.task.partitions_done(ended);
                (bytes, ended) = (0, 0);
                if last || self.outlet.is_full() {
                    return Ok(());
                }
            }
        }
    }

    /// Folds the records that were read and match.
    fn fold(&self, folder: &mut Folder, registry: &Registry) -> Result<()> {
        let scope = self.namespace.scope();
        let env = Environment {
            namespace: &self.namespace,
            scope: &scope,
            registry,
            budget: &self.budget,
        };
        let request = &self.request;
        let mut filtered = 0;
        let mut contexts = std::mem::take(&mut folder.contexts);
        let mut present = 0;
        for mut item in folder.items.drain(..) {
            let record = match admit(&env, request, &mut item) {
                Ok(admitted) => admitted.record,
                Err(e) if e.code == ResultCode::FilteredOut => {
                    filtered += 1;
                    continue;
                }
                Err(e) => return Err(e),
            };
            let Some(record) = record else { continue };
            let Item { digest, set, .. } = item;
            match contexts.get_mut(present) {
                Some(context) => context.replace(digest, set, record),
                None => contexts.push(RecordContext::new(digest, set, None, Some(record))),
            }
            present += 1;
        }
        let folding = &mut contexts[..present];
        pace(&self.throttle, &self.task, present);
        let counts = &self.task.counts;
        let mut left = &mut *folding;
        while !left.is_empty() {
            let folded = folder.fold(left, &scope, &self.budget);
            let (now, later) = left.split_at_mut(folded.map_err(|e| failed(&e))?);
            counts.succeeded.fetch_add(now.len() as u64, Relaxed);
            self.outlet.put(&mut folder.values);
            if self.yields == Yields::Partials && folder.taken.elapsed() > self.patience {
                self.take(folder)?;
            }
            left = later;
        }
        let by_bins = request.filter.as_ref().is_some_and(|f| f.needs_bins());
        match by_bins {
            true => counts.filtered_bins.fetch_add(filtered, Relaxed),
            false => counts.filtered_meta.fetch_add(filtered, Relaxed),
        };
        folding.iter_mut().for_each(RecordContext::release);
        folder.contexts = contexts;
        Ok(())
    }

    /// Passes the state of an instance on.
    fn take(&self, folder: &mut Folder) -> Result<()> {
        let mut values = Vec::new();
        folder.taken = Instant::now();
        let taken = folder
            .open()
            .and_then(|open| open.take(&self.budget, &mut values));
        taken.map_err(|e| failed(&e))?;
        self.outlet.put(&mut values);
        Ok(())
    }

    /// Merges all states and does the last reduce.
    fn finish(&self, folders: Vec<Folder>) -> Result<Vec<Value>, UdfError> {
        let mut folders = folders.into_iter();
        let mut first = match folders.next() {
            Some(folder) => folder,
            // There was no record at all, of which something may come all the same.
            None => self.folder()?,
        };
        let mut values = Vec::new();
        for mut other in folders {
            values.clear();
            other.open()?.take(&self.budget, &mut values)?;
            drop(other);
            first.open()?.merge(&values, &self.budget)?;
        }
        values.clear();
        first.open()?.finish(&self.budget, &mut values)?;
        Ok(values)
    }

    /// What became of it, once no thread works on it.
    fn close(&self) -> Result<()> {
        let folders = std::mem::take(&mut *self.folders.lock());
        if let Some(e) = self.failure.lock().take() {
            return Err(e);
        }
        if self.task.status() == Status::Failed {
            let why = self.task.first_failure().unwrap_or_default();
            return Err(Error::new(ResultCode::ServerError, why));
        }
        if self.task.cancel.is_cancelled() {
            return Err(aborted());
        }
        match self.yields {
            Yields::Partials => folders.into_iter().try_for_each(|mut f| self.take(&mut f)),
            Yields::Results => {
                let mut values = self.finish(folders).map_err(|e| failed(&e))?;
                self.outlet.put(&mut values);
                Ok(())
            }
        }
    }

    /// Ends the work of all threads for what one of them met.
    fn fail(&self, e: Error) {
        if e.code == ResultCode::QueryAborted {
            return;
        }
        self.task.note_failure(&e.message);
        self.task.finish(Status::Failed);
        self.failure.lock().get_or_insert(e);
        self.task.abort();
    }
}

fn aborted() -> Error {
    Error::new(ResultCode::QueryAborted, "the aggregation was aborted")
}

fn failed(e: &UdfError) -> Error {
    match e.kind {
        UdfErrorKind::Cancelled => aborted(),
        _ => Error::from(e),
    }
}

impl Job for Folding {
    fn task(&self) -> &Arc<Task> {
        &self.task
    }

    fn is_ready(&self, busy: u32) -> bool {
        // Somebody has to end it.
        if self.is_exhausted() {
            return true;
        }
        if self.outlet.is_full() {
            return false;
        }
        let folders = self.folders.lock();
        let begun = |f: &Folder| !f.walk.is_between_partitions();
        let may_join = busy == 0 || !folders.is_empty() || self.keeping.has_room();
        folders.iter().any(begun) || may_join && !self.partitions.is_exhausted()
    }

    fn is_exhausted(&self) -> bool {
        self.ended.load(Relaxed) >= self.partitions.len() || self.task.cancel.is_cancelled()
    }

    fn run_slice(&self, registry: &Registry, _: &mut Worker) -> Result<bool> {
        if !self.task.cancel.is_cancelled()
            && let Err(e) = block_on(self.slice(registry))
        {
            self.fail(e);
        }
        Ok(self.is_exhausted())
    }

    fn end(&self) -> Status {
        // A defect of the host must not leave the reader waiting.
        let closed = catch_unwind(AssertUnwindSafe(|| self.close())).unwrap_or_else(|_| {
            let defect = "a defect of the host ended the aggregation; its log says where";
            Err(Error::new(ResultCode::ServerError, defect))
        });
        let status = match &closed {
            Ok(()) => Status::Done,
            Err(e) if e.code == ResultCode::QueryAborted => Status::Aborted,
            Err(e) => {
                self.task.note_failure(&e.message);
                Status::Failed
            }
        };
        // Before the reader, who may go away at the end, learns of it.
        self.task.finish(status);
        self.outlet.close(closed);
        status
    }
}
