//! Background tasks: a request applied to every record of a set, by scans of partitions.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::apply::{Environment, Item, Worker};
use super::turns::Turns;
use super::{Namespace, priority};
use crate::model::{Error, PARTITIONS, PartitionId, Result, ResultCode};
use crate::request::{Reply, Request};
use crate::store::{Cursor, ScanPage, Scanned};
use crate::task::{Status, Task, TaskInfo};
use crate::udf::Registry;

/// Records per batch: past this a larger batch gains nothing (see the benches).
const BATCH: usize = 256;
/// Body bytes per batch, so that large records make small batches.
const BATCH_BYTES: usize = 1 << 20;
/// A worker that was given a task keeps it for so long before the next task has its turn.
const SLICE: Duration = Duration::from_millis(20);

/// What to do with every record of a set or namespace.
pub struct BackgroundSpec {
    /// Where.
    pub namespace: Arc<Namespace>,
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// What.
    pub request: Request,
    /// How it is tracked.
    pub info: TaskInfo,
}

struct Job {
    task: Arc<Task>,
    namespace: Arc<Namespace>,
    /// `Some(None)`: the set has no records.
    set: Option<Option<u16>>,
    request: Request,
    next_partition: AtomicU32,
    /// Workers that hold an unfinished partition of it.
    busy: AtomicU32,
    /// Records per batch: fewer under a rate limit, so that a batch is a small part of a second.
    batch: usize,
    /// When the next record may be worked on, under a rate limit.
    pace: Mutex<Instant>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Arc<Job>>,
    stopping: bool,
}

/// The threads that run background tasks; partitions of one task run in parallel, and tasks
/// take turns.
pub struct Background {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    registry: Arc<Registry>,
    turns: Arc<Turns>,
}

impl Background {
    /// Starts `threads` threads.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(threads: usize, registry: &Arc<Registry>, turns: &Arc<Turns>) -> Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            registry: registry.clone(),
            turns: turns.clone(),
        });
        let mut handles = Vec::new();
        for n in 0..threads.max(1) {
            let shared = shared.clone();
            let thread = thread::Builder::new()
                .name(format!("task-{n}"))
                .spawn(move || work(&shared))
                .map_err(|e| {
                    Error::new(
                        ResultCode::ServerError,
                        format!("cannot start a task thread: {e}"),
                    )
                })?;
            handles.push(thread);
        }
        Ok(Self {
            shared,
            threads: handles,
        })
    }

    /// Queues a task.
    pub fn submit(&self, task: Arc<Task>, spec: BackgroundSpec) {
        let set = spec.set.as_ref().map(|name| spec.namespace.find_set(name));
        let batch = match task.info.records_per_second as usize {
            0 => BATCH,
            rate => (rate / 20).clamp(1, BATCH),
        };
        let job = Job {
            batch,
            task,
            namespace: spec.namespace,
            set,
            request: spec.request,
            next_partition: AtomicU32::new(0),
            busy: AtomicU32::new(0),
            pace: Mutex::new(Instant::now()),
        };
        self.shared.queue.lock().jobs.push_back(Arc::new(job));
        self.shared.changed.notify_all();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.queue.lock();
            queue.stopping = true;
            for job in &queue.jobs {
                job.task.abort();
            }
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// One thread: takes the task at the head of the queue for a slice, then lets the next have its turn.
fn work(shared: &Shared) {
    priority::after_the_network();
    let mut workers: HashMap<u64, (Arc<Job>, Worker)> = HashMap::new();
    loop {
        let Some(job) = next_job(shared) else { return };
        workers.retain(|_, (job, _)| job.task.status() == Status::Active);
        let key = Arc::as_ptr(&job) as u64;
        let (_, worker) = workers
            .entry(key)
            .or_insert_with(|| (job.clone(), Worker::new()));
        job.task.worker(1);
        // A defect of the host costs the task, not the thread.
        let ended = catch_unwind(AssertUnwindSafe(|| run_slice(shared, &job, worker)))
            .unwrap_or_else(|_| {
                let defect = "a defect of the host ended the task; its log says where";
                Err(Error::new(ResultCode::ServerError, defect))
            });
        job.task.worker(-1);
        let mut queue = shared.queue.lock();
        let last = job.busy.fetch_sub(1, Relaxed) == 1;
        match ended {
            Ok(false) => {}
            Ok(true) => queue.jobs.retain(|j| !Arc::ptr_eq(j, &job)),
            Err(e) => {
                tracing::error!(task = job.task.info.id, "task failed: {e}");
                job.task.note_failure(&e.to_string());
                job.task.finish(Status::Failed);
                job.task.abort();
                queue.jobs.retain(|j| !Arc::ptr_eq(j, &job));
            }
        }
        drop(queue);
        if last && job.is_exhausted() {
            workers.remove(&key);
            let status = if job.task.cancelled.load(Relaxed) {
                Status::Aborted
            } else {
                Status::Done
            };
            job.task.finish(status);
        }
    }
}

/// Waits for a task, moves it to the queue's end so that tasks take turns, and marks it busy.
fn next_job(shared: &Shared) -> Option<Arc<Job>> {
    let mut queue = shared.queue.lock();
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            job.busy.fetch_add(1, Relaxed);
            queue.jobs.push_back(job.clone());
            return Some(job);
        }
        if queue.stopping {
            return None;
        }
        shared.changed.wait(&mut queue);
    }
}

impl Job {
    fn is_exhausted(&self) -> bool {
        self.next_partition.load(Relaxed) >= PARTITIONS as u32 || self.task.cancelled.load(Relaxed)
    }

    fn take_partition(&self) -> Option<PartitionId> {
        if self.is_exhausted() {
            return None;
        }
        let partition = self.next_partition.fetch_add(1, Relaxed);
        (partition < PARTITIONS as u32).then_some(partition as PartitionId)
    }
}

/// Works on a task until its slice is over (`false`) or no partition is left (`true`). Small
/// partitions share a batch.
fn run_slice(shared: &Shared, job: &Job, worker: &mut Worker) -> Result<bool> {
    let until = Instant::now() + SLICE;
    let mut batch = Batch::default();
    loop {
        let Some(partition) = job.take_partition() else {
            batch.run(shared, job, worker)?;
            return Ok(true);
        };
        scan_partition(shared, job, worker, partition, &mut batch)?;
        batch.partitions += 1;
        if Instant::now() > until {
            batch.run(shared, job, worker)?;
            return Ok(job.is_exhausted());
        }
    }
}

fn scan_partition(
    shared: &Shared,
    job: &Job,
    worker: &mut Worker,
    partition: PartitionId,
    batch: &mut Batch,
) -> Result<()> {
    let set = match job.set {
        Some(None) => return Ok(()),
        Some(id) => id,
        None => None,
    };
    let mut cursor = Cursor::default();
    loop {
        let room = job.batch.saturating_sub(batch.items.len()).max(1);
        let page = ScanPage {
            set,
            records: room,
            bytes: BATCH_BYTES.saturating_sub(batch.bytes).max(1),
        };
        let more = job
            .namespace
            .store
            .scan(partition, &mut cursor, &page, &mut batch.scanned)?;
        batch.take_scanned();
        if batch.items.len() >= job.batch || batch.bytes >= BATCH_BYTES {
            batch.run(shared, job, worker)?;
        }
        if !more || job.task.cancelled.load(Relaxed) {
            return Ok(());
        }
    }
}

/// Records on their way to the worker.
#[derive(Default)]
struct Batch {
    scanned: Vec<Scanned>,
    items: Vec<Item>,
    bytes: usize,
    /// Partitions that end within this batch.
    partitions: u32,
    replies: Vec<Reply>,
}

impl Batch {
    fn take_scanned(&mut self) {
        for Scanned { digest, versioned } in self.scanned.drain(..) {
            self.bytes += versioned.record.body.as_bytes().len();
            self.items.push(Item {
                digest,
                set: versioned.record.meta.set,
                user_key: None,
                known: Some(versioned),
            });
        }
    }

    fn run(&mut self, shared: &Shared, job: &Job, worker: &mut Worker) -> Result<()> {
        let scope = job.namespace.scope();
        let live = |item: &Item| {
            let known = item.known.as_ref();
            known.is_none_or(|known| !known.record.meta.is_expired(scope.now))
        };
        self.items.retain(live);
        if !self.items.is_empty() && !job.task.cancelled.load(Relaxed) {
            pace(job, self.items.len());
            let env = Environment {
                namespace: &job.namespace,
                scope: &scope,
                registry: &shared.registry,
                turns: &shared.turns,
                cancelled: &job.task.cancelled,
                brief: false,
            };
            worker.apply(&env, &job.request, &mut self.items, &mut self.replies);
            count(job, &self.replies);
        }
        self.items.clear();
        self.replies.clear();
        self.bytes = 0;
        job.task
            .partitions_done(std::mem::take(&mut self.partitions));
        Ok(())
    }
}

fn count(job: &Job, replies: &[Reply]) {
    let (mut succeeded, mut failed, mut filtered) = (0, 0, 0);
    for reply in replies {
        match reply.code {
            ResultCode::Ok => succeeded += 1,
            ResultCode::FilteredOut => filtered += 1,
            // Deleted between the scan and the work, or cut off by an abort: neither done nor failed.
            ResultCode::NotFound | ResultCode::ScanAborted => {}
            _ => {
                failed += 1;
                if failed == 1 {
                    job.task
                        .note_failure(reply.message.as_deref().unwrap_or(reply.code.text()));
                }
            }
        }
    }
    let counts = &job.task.counts;
    counts.succeeded.fetch_add(succeeded, Relaxed);
    counts.failed.fetch_add(failed, Relaxed);
    let by_bins = job.request.filter.as_ref().is_some_and(|f| f.needs_bins());
    let filtered_by = if by_bins {
        &counts.filtered_bins
    } else {
        &counts.filtered_meta
    };
    filtered_by.fetch_add(filtered, Relaxed);
}

/// Holds the worker back so that the task stays within its rate.
fn pace(job: &Job, records: usize) {
    let rate = job.task.info.records_per_second;
    if rate == 0 {
        return;
    }
    let cost = Duration::from_secs_f64(records as f64 / f64::from(rate));
    let now = Instant::now();
    let start = {
        let mut next = job.pace.lock();
        let start = (*next).max(now);
        *next = start + cost;
        start
    };
    if start > now {
        job.task.counts.throttled.fetch_add(records as u64, Relaxed);
    }
    while Instant::now() < start && !job.task.cancelled.load(Relaxed) {
        thread::sleep((start - now).min(Duration::from_millis(20)));
    }
}
