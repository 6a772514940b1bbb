//! The threads that run background tasks: partitions of one task run in parallel, and tasks take
//! turns.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use futures::executor::block_on;
use parking_lot::{Condvar, Mutex};

use super::apply::Worker;
use super::background::Job;
use super::priority;
use crate::model::{Error, Result, ResultCode};
use crate::task::Status;
use crate::udf::Registry;

/// A job, and how many workers hold an unfinished part of it.
struct Queued {
    job: Job,
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

    /// Queues a task.
    pub fn submit(&self, job: Job) {
        let queued = Arc::new(Queued {
            job,
            busy: AtomicU32::new(0),
        });
        self.shared.queue.lock().jobs.push_back(queued);
        self.shared.changed.notify_all();
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.queue.lock();
            queue.stopping = true;
            for queued in &queue.jobs {
                queued.job.task.abort();
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
        let job = &queued.job;
        let id = job.task.id;
        if workers.len() >= shared.tasks && !workers.contains_key(&id) {
            workers.clear();
        }
        // A task's worker is no other's, so that nothing passes between tasks.
        let worker = workers.entry(id).or_insert_with(|| Worker::new(1));
        job.task.worker(1);
        // A defect of the host costs the task, not the thread.
        let slice = || block_on(job.run_slice(&shared.registry, worker));
        let ended = catch_unwind(AssertUnwindSafe(slice)).unwrap_or_else(|_| {
            let defect = "a defect of the host ended the task; its log says where";
            Err(Error::new(ResultCode::ServerError, defect))
        });
        job.task.worker(-1);
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
                job.task.note_failure(&e.to_string());
                job.task.finish(Status::Failed);
                job.task.abort();
                queue.jobs.retain(|j| !Arc::ptr_eq(j, &queued));
            }
        }
        drop(queue);
        if last && job.is_exhausted() {
            job.task.finish(match job.task.cancel.is_cancelled() {
                true => Status::Aborted,
                false => Status::Done,
            });
        }
    }
}

/// Waits for a task, moves it to the queue's end so that tasks take turns, and marks it busy.
fn next_job(shared: &Shared) -> Option<Arc<Queued>> {
    let mut queue = shared.queue.lock();
    loop {
        if let Some(queued) = queue.jobs.pop_front() {
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
