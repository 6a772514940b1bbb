//! Background tasks and the list of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::{Error, PARTITIONS, Result, ResultCode};
use crate::request::TaskSpec;
use crate::udf::Cancel;
use crate::udf::log::{LINE_BYTES, one_line};

/// How many finished tasks stay known, oldest out first.
const KEEP_FINISHED: usize = 100;

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
    /// Its id among all tasks (`trid`).
    pub id: u64,
    /// What was asked for.
    pub spec: TaskSpec,
    /// What it has dealt with.
    pub counts: Counts,
    /// Ends it; runtimes watch it too.
    pub cancel: Cancel,
    started: Instant,
    run_micros: AtomicU64,
    status: AtomicU8,
    partitions_done: AtomicU32,
    active_workers: AtomicU32,
    finished: Notify,
    first_failure: Mutex<Option<String>>,
}

impl Task {
    fn new(id: u64, spec: TaskSpec) -> Self {
        Self {
            id,
            spec,
            counts: Counts::default(),
            cancel: Cancel::new(),
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
            tracing::warn!(task = self.id, "first failed record: {line}");
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
            tracing::info!(task = self.id, ?status, "task ended");
        }
        self.finished.notify_waiters();
    }

    /// Asks it to stop; it becomes [`Status::Aborted`] once its workers have.
    pub fn abort(&self) {
        self.cancel.cancel();
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

    /// Starts to track a task, under its caller's id or one that no other task has.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when an active task has the same id.
    pub fn add(&self, spec: TaskSpec) -> Result<Arc<Task>> {
        let mut tasks = self.tasks.lock();
        let id = match spec.id {
            0 => loop {
                // Random, as clients choose theirs, so that the two rarely meet.
                let id = rand::random();
                if id != 0 && !tasks.contains_key(&id) {
                    break id;
                }
            },
            id => id,
        };
        if tasks
            .get(&id)
            .is_some_and(|(_, t)| t.status() == Status::Active)
        {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!("a task with the id {id} is active already; choose another id"),
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
        let task = Arc::new(Task::new(id, spec));
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
