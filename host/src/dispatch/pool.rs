//! The threads that run functions of foreground calls, apart from the network's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures::executor::block_on;
use tokio::sync::oneshot;

use super::apply::{Environment, Worker};
use super::source::Item;
use super::{Namespace, priority};
use crate::model::{Error, Result, ResultCode};
use crate::request::{Reply, Request};
use crate::udf::{Budget, Registry};

/// One batch of a foreground call.
struct Job {
    namespace: Arc<Namespace>,
    request: Arc<Request>,
    items: Vec<Item>,
    done: oneshot::Sender<Vec<Reply>>,
}

/// A pool of function threads. Its queue is bounded by the requests in flight, which the
/// doors bound.
pub struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    /// Starts `threads` threads, which keep instances of `modules` modules each; they end when the
    /// pool is dropped.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(threads: usize, modules: usize, registry: &Arc<Registry>) -> Result<Self> {
        let (jobs, queue) = unbounded();
        for n in 0..threads.max(1) {
            let (queue, registry) = (queue.clone(), registry.clone());
            thread::Builder::new()
                .name(format!("udf-{n}"))
                .spawn(move || work(&queue, &registry, modules))
                .map_err(|e| {
                    Error::new(
                        ResultCode::ServerError,
                        format!("cannot start a function thread: {e}"),
                    )
                })?;
        }
        Ok(Self { jobs })
    }

    /// Runs one batch and returns its replies, in order.
    pub async fn run(
        &self,
        namespace: Arc<Namespace>,
        request: Arc<Request>,
        items: Vec<Item>,
    ) -> Vec<Reply> {
        let (done, replies) = oneshot::channel();
        let n = items.len();
        let stopped = || {
            let e = Error::new(
                ResultCode::ServerError,
                "the function threads have stopped; the host is shutting down",
            );
            vec![Reply::from(e); n]
        };
        let job = Job {
            namespace,
            request,
            items,
            done,
        };
        if self.jobs.send(job).is_err() {
            return stopped();
        }
        replies.await.unwrap_or_else(|_| stopped())
    }
}

fn work(queue: &Receiver<Job>, registry: &Registry, modules: usize) {
    priority::after_the_network();
    let mut worker = Worker::new(modules);
    let budget = Budget::default();
    while let Ok(mut job) = queue.recv() {
        if job.done.is_closed() {
            continue;
        }
        let scope = job.namespace.scope();
        let env = Environment {
            namespace: &job.namespace,
            scope: &scope,
            registry,
            budget: &budget,
        };
        let n = job.items.len();
        let mut replies = Vec::with_capacity(n);
        let apply = || block_on(worker.apply(&env, &job.request, &mut job.items, &mut replies));
        // A defect of the host costs the call, not the thread.
        if catch_unwind(AssertUnwindSafe(apply)).is_err() {
            worker = Worker::new(modules);
            let defect = "a defect of the host ended the call; its log says where";
            replies = vec![Error::new(ResultCode::ServerError, defect).into(); n];
        }
        // A caller that went away needs no reply.
        let _ = job.done.send(replies);
    }
}
