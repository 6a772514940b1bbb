//! Background tasks and the list of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::{Error, PARTITIONS, Result, ResultCode};
use crate::udf::log::{LINE_BYTES, one_line};

/// How many finished tasks stay known, oldest out first.
const KEEP_FINISHED: usize = 100;

/// What a task is, fixed when it starts.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// The id the client chose (`trid`).
    pub id: u64,
    /// `background-ops`, `background-udf` or `background-delete`.
    pub job_type: &'static str,
    /// Namespace name.
    pub namespace: String,
    /// Set name; empty for the whole namespace.
    pub set: String,
    /// Who asked, as `ADDRESS+PORT`.
    pub from: String,
    /// Package and function of a UDF task.
    pub udf: Option<(Arc<str>, Arc<str>)>,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
    /// The client's socket timeout in milliseconds.
    pub socket_timeout: u32,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Running, or waiting for a worker.
    Active = 0,
    /// Ran to its end.
    Done = 1,
    /// A person or client ended it.
    Aborted = 2,
    /// The store failed.
    Failed = 3,
}

/// The records a task has dealt with.
#[derive(Debug, Default)]
pub struct Counts {
    /// Request applied.
    pub succeeded: AtomicU64,
    /// Request failed.
    pub failed: AtomicU64,
    /// Filtered out by metadata alone.
    pub filtered_meta: AtomicU64,
    /// Filtered out after bins were looked at.
    pub filtered_bins: AtomicU64,
    /// Held back by the rate limit.
    pub throttled: AtomicU64,
}

/// One background task.
#[derive(Debug)]
pub struct Task {
    /// What it is.
    pub info: TaskInfo,
    /// What it has dealt with.
    pub counts: Counts,
    /// Set to end it; runtimes watch it too.
    pub cancelled: AtomicBool,
    started: Instant,
    run_micros: AtomicU64,
    status: AtomicU8,
    partitions_done: AtomicU32,
    active_workers: AtomicU32,
    finished: Notify,
    first_failure: Mutex<Option<String>>,
}

impl Task {
    fn new(info: TaskInfo) -> Self {
        Self {
            info,
            counts: Counts::default(),
            cancelled: AtomicBool::new(false),
            started: Instant::now(),
            run_micros: AtomicU64::new(0),
            status: AtomicU8::new(Status::Active as u8),
            partitions_done: AtomicU32::new(0),
            active_workers: AtomicU32::new(0),
            finished: Notify::new(),
            first_failure: Mutex::new(None),
        }
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        match self.status.load(Relaxed) {
            1 => Status::Done,
            2 => Status::Aborted,
            3 => Status::Failed,
            _ => Status::Active,
        }
    }

    /// Progress in percent, by partitions.
    pub fn progress(&self) -> f64 {
        f64::from(self.partitions_done.load(Relaxed)) * 100.0 / PARTITIONS as f64
    }

    /// How long it has run, or ran.
    pub fn run_time(&self) -> Duration {
        match self.run_micros.load(Relaxed) {
            0 => self.started.elapsed(),
            micros => Duration::from_micros(micros),
        }
    }

    /// How long ago it ended; zero while it runs.
    pub fn since_done(&self) -> Duration {
        if self.status() == Status::Active {
            Duration::ZERO
        } else {
            self.started.elapsed().saturating_sub(self.run_time())
        }
    }

    /// How many workers run it now.
    pub fn active_workers(&self) -> u32 {
        self.active_workers.load(Relaxed)
    }

    /// The first failure of a record, for people.
    pub fn first_failure(&self) -> Option<String> {
        self.first_failure.lock().clone()
    }

    /// Notes a record's failure.
    pub fn note_failure(&self, message: &str) {
        let mut first = self.first_failure.lock();
        if first.is_none() {
            let line = one_line(message.as_bytes(), LINE_BYTES);
            tracing::warn!(task = self.info.id, "first failed record: {line}");
            *first = Some(message.into());
        }
    }

    /// Counts partitions that are done.
    pub fn partitions_done(&self, n: u32) {
        self.partitions_done.fetch_add(n, Relaxed);
    }

    /// A worker begins (+1) or stops (-1) to run it.
    pub fn worker(&self, delta: i32) {
        self.active_workers.fetch_add(delta as u32, Relaxed);
    }

    /// Ends it; the first call wins.
    pub fn finish(&self, status: Status) {
        let micros = (self.started.elapsed().as_micros() as u64).max(1);
        self.run_micros.store(micros, Relaxed);
        if self
            .status
            .compare_exchange(Status::Active as u8, status as u8, Relaxed, Relaxed)
            .is_ok()
        {
            tracing::info!(task = self.info.id, ?status, "task ended");
        }
        self.finished.notify_waiters();
    }

    /// Asks it to stop; it becomes [`Status::Aborted`] once its workers have.
    pub fn abort(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Waits until it has ended.
    pub async fn wait(&self) -> Status {
        loop {
            let notified = self.finished.notified();
            match self.status() {
                Status::Active => notified.await,
                ended => return ended,
            }
        }
    }
}

/// Every task the host knows: active ones, and the last finished ones.
#[derive(Debug, Default)]
pub struct Tracker {
    tasks: Mutex<BTreeMap<u64, (u64, Arc<Task>)>>,
    order: AtomicU64,
}

impl Tracker {
    /// An empty tracker.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts to track a task.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when an active task has the same id.
    pub fn add(&self, info: TaskInfo) -> Result<Arc<Task>> {
        let mut tasks = self.tasks.lock();
        if tasks
            .get(&info.id)
            .is_some_and(|(_, t)| t.status() == Status::Active)
        {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!(
                    "a task with the id {} is active already; choose another id",
                    info.id
                ),
            ));
        }
        let finished = tasks
            .values()
            .filter(|(_, t)| t.status() != Status::Active)
            .count();
        if finished >= KEEP_FINISHED {
            let oldest = tasks
                .iter()
                .filter(|(_, (_, t))| t.status() != Status::Active)
                .min_by_key(|(_, (order, _))| *order)
                .map(|(id, _)| *id);
            if let Some(id) = oldest {
                tasks.remove(&id);
            }
        }
        let id = info.id;
        let task = Arc::new(Task::new(info));
        tasks.insert(id, (self.order.fetch_add(1, Relaxed), task.clone()));
        Ok(task)
    }

    /// The task of an id.
    pub fn get(&self, id: u64) -> Option<Arc<Task>> {
        self.tasks.lock().get(&id).map(|(_, t)| t.clone())
    }

    /// All tasks, in the order they started.
    pub fn all(&self) -> Vec<Arc<Task>> {
        let mut all: Vec<_> = self.tasks.lock().values().cloned().collect();
        all.sort_by_key(|(order, _)| *order);
        all.into_iter().map(|(_, t)| t).collect()
    }
}
