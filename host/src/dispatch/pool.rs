//! The threads that run functions of foreground calls, apart from the network's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use tokio::sync::oneshot;

use super::apply::{Environment, Item, Worker};
use super::turns::Turns;
use super::{Namespace, priority};
use crate::model::{Error, Result, ResultCode};
use crate::request::{Reply, Request};
use crate::udf::Registry;

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
    /// Starts `threads` threads; they end when the pool is dropped.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(threads: usize, registry: &Arc<Registry>, turns: &Arc<Turns>) -> Result<Self> {
        let (jobs, queue) = unbounded();
        for n in 0..threads.max(1) {
            let (queue, registry, turns) = (queue.clone(), registry.clone(), turns.clone());
            thread::Builder::new()
                .name(format!("udf-{n}"))
                .spawn(move || work(&queue, &registry, &turns))
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
        if self
            .jobs
            .send(Job {
                namespace,
                request,
                items,
                done,
            })
            .is_err()
        {
            return stopped();
        }
        replies.await.unwrap_or_else(|_| stopped())
    }
}

fn work(queue: &Receiver<Job>, registry: &Registry, turns: &Arc<Turns>) {
    priority::after_the_network();
    let mut worker = Worker::new();
    let never = AtomicBool::new(false);
    while let Ok(mut job) = queue.recv() {
        if job.done.is_closed() {
            continue;
        }
        worker.drop_replaced(registry);
        let scope = job.namespace.scope();
        let env = Environment {
            namespace: &job.namespace,
            scope: &scope,
            registry,
            turns,
            cancelled: &never,
            brief: false,
        };
        let mut replies = Vec::with_capacity(job.items.len());
        let n = job.items.len();
        let mut apply = || worker.apply(&env, &job.request, &mut job.items, &mut replies);
        // A defect of the host costs the call, not the thread.
        if catch_unwind(AssertUnwindSafe(&mut apply)).is_err() {
            worker = Worker::new();
            let defect = "a defect of the host ended the call; its log says where";
            replies = vec![Error::new(ResultCode::ServerError, defect).into(); n];
        }
        // A caller that went away needs no reply.
        let _ = job.done.send(replies);
    }
}
