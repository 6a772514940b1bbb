//! The threads that run background tasks and aggregations: partitions of one run in parallel, and
//! all of them take turns.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::apply::Worker;
use super::priority;
use crate::model::{Error, Result, ResultCode};
use crate::task::{Status, Task};
use crate::udf::Registry;

/// What the threads take turns at.
pub trait Job: Send + Sync {
    /// What it is tracked as.
    fn task(&self) -> &Arc<Task>;

    /// Whether another thread may take a part of it now, beside the `busy` that have one.
    fn is_ready(&self, busy: u32) -> bool;

    /// Whether no more of it is to be begun.
    fn is_exhausted(&self) -> bool;

    /// Works on it until the slice is over (`false`) or nothing of it is left to take (`true`).
    ///
    /// # Errors
    /// That it cannot go on.
    fn run_slice(&self, registry: &Registry, worker: &mut Worker) -> Result<bool>;

    /// The last thread to leave it ends it, and says how.
    fn end(&self) -> Status {
        match self.task().cancel.is_cancelled() {
            true => Status::Aborted,
            false => Status::Done,
        }
    }
}

/// A job, and how many workers hold an unfinished part of it.
struct Queued {
    job: Arc<dyn Job>,
    busy: AtomicU32,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Arc<Queued>>,
    stopping: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    registry: Arc<Registry>,
    /// How many tasks a thread keeps a worker for, each with an instance.
    tasks: usize,
}

/// The threads of background tasks; they end, and their tasks with them, when it is dropped.
pub struct Schedule {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Schedule {
    /// Starts `threads` threads, which keep instances for `tasks` tasks each.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(threads: usize, tasks: usize, registry: &Arc<Registry>) -> Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            registry: registry.clone(),
            tasks,
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

    /// Queues a job.
    pub fn submit(&self, job: Arc<dyn Job>) {
        let queued = Arc::new(Queued {
            job,
            busy: AtomicU32::new(0),
        });
        self.shared.queue.lock().jobs.push_back(queued);
        self.shared.changed.notify_all();
    }

    /// What tells the threads that a job which was not ready may be so now.
    pub fn bell(&self) -> Bell {
        Bell(self.shared.clone())
    }
}

/// Wakes the threads of a schedule.
#[derive(Clone)]
pub struct Bell(Arc<Shared>);

impl Bell {
    /// Has the threads look at their jobs again.
    pub fn ring(&self) {
        // Under the lock, so that no thread is between its look and its wait.
        drop(self.0.queue.lock());
        self.0.changed.notify_all();
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.queue.lock();
            queue.stopping = true;
            for queued in &queue.jobs {
                queued.job.task().abort();
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
    let mut workers: HashMap<u64, Worker> = HashMap::new();
    loop {
        let Some(queued) = next_job(shared) else {
            return;
        };
        let (job, task) = (&*queued.job, queued.job.task());
        let id = task.id;
        if workers.len() >= shared.tasks && !workers.contains_key(&id) {
            workers.clear();
        }
        // A task's worker is no other's, so that nothing passes between tasks.
        let worker = workers.entry(id).or_insert_with(|| Worker::new(1));
        task.worker(1);
        // A defect of the host costs the task, not the thread.
        let slice = || job.run_slice(&shared.registry, worker);
        let ended = catch_unwind(AssertUnwindSafe(slice)).unwrap_or_else(|_| {
            let defect = "a defect of the host ended the task; its log says where";
            Err(Error::new(ResultCode::ServerError, defect))
        });
        task.worker(-1);
        if !matches!(ended, Ok(false)) {
            workers.remove(&id);
        }
        let mut queue = shared.queue.lock();
        let last = queued.busy.fetch_sub(1, Relaxed) == 1;
        match ended {
            Ok(false) => {}
            Ok(true) => queue.jobs.retain(|j| !Arc::ptr_eq(j, &queued)),
            Err(e) => {
                tracing::error!(task = id, "task failed: {e}");
                task.note_failure(&e.to_string());
                task.finish(Status::Failed);
                task.abort();
                queue.jobs.retain(|j| !Arc::ptr_eq(j, &queued));
            }
        }
        // Under the lock, so that nobody takes a part of it any more.
        let over = last && job.is_exhausted();
        if over {
            queue.jobs.retain(|j| !Arc::ptr_eq(j, &queued));
        }
        drop(queue);
        // Another part of it may be ready now.
        shared.changed.notify_one();
        if over {
            task.finish(job.end());
        }
    }
}

/// Waits for a job that is ready, moves it to the queue's end so that jobs take turns, and marks it
/// busy.
fn next_job(shared: &Shared) -> Option<Arc<Queued>> {
    let mut queue = shared.queue.lock();
    loop {
        let is_ready = |queued: &Arc<Queued>| queued.job.is_ready(queued.busy.load(Relaxed));
        let at = queue.jobs.iter().position(is_ready);
        if let Some(queued) = at.and_then(|at| queue.jobs.remove(at)) {
            queued.busy.fetch_add(1, Relaxed);
            queue.jobs.push_back(queued.clone());
            return Some(queued);
        }
        if queue.stopping {
            return None;
        }
        shared.changed.wait(&mut queue);
    }
}
