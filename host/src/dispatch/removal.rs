//! Removal of records that a rule has: expired ones, all the time, and truncated ones.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use futures::executor::block_on;
use tokio::sync::oneshot;

use super::Namespace;
use super::source::{Item, Partitions, Step, Walk};
use crate::model::{Error, Meta, Result, ResultCode, now_secs};
use crate::store::{Change, Commit, Expected, StoreError};

/// How long the thread rests between two looks for expired records.
const REST: Duration = Duration::from_secs(1);
/// How many records of a namespace one look is at, about.
const RECORDS_A_LOOK: u64 = 50_000;
/// Records of one step of a walk.
const PAGE: usize = 256;
/// Body bytes of one step, about.
const PAGE_BYTES: usize = 1 << 20;

/// Records to remove at once.
pub struct Truncation {
    /// Where.
    pub namespace: Arc<Namespace>,
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// Records that were last written before this go: milliseconds since 2010-01-01 UTC.
    pub before: u64,
}

type Request = (Truncation, oneshot::Sender<Result<u64>>);

/// The thread that removes; it ends when this is dropped.
pub struct Removal {
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Removal {
    /// Starts the thread, which removes expired records of the namespaces.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when it cannot be started.
    pub fn start(namespaces: Vec<Arc<Namespace>>) -> Result<Self> {
        let (requests, queue) = unbounded();
        let thread = thread::Builder::new()
            .name("removal".into())
            .spawn(move || work(&namespaces, &queue))
            .map_err(|e| {
                Error::new(
                    ResultCode::ServerError,
                    format!("cannot start the removal thread: {e}"),
                )
            })?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Removes records, and tells how many once they are gone; whoever does not wait for it need not.
    pub fn truncate(&self, truncation: Truncation) -> oneshot::Receiver<Result<u64>> {
        let (done, removed) = oneshot::channel();
        if let Some(requests) = &self.requests {
            // The thread ends only when this is dropped.
            let _ = requests.send((truncation, done));
        }
        removed
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.requests.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(namespaces: &[Arc<Namespace>], queue: &Receiver<Request>) {
    let mut expiries: Vec<Expiry> = namespaces.iter().map(Expiry::new).collect();
    loop {
        match queue.recv_timeout(REST) {
            Ok((truncation, done)) => {
                let removed = block_on(truncation.run());
                // Who asked may not have waited.
                let _ = done.send(removed);
            }
            Err(RecvTimeoutError::Timeout) => {
                for expiry in &mut expiries {
                    if let Err(e) = block_on(expiry.look(now_secs(), RECORDS_A_LOOK)) {
                        let name = &expiry.namespace.name;
                        tracing::error!("expired records of namespace {name} stay: {e}");
                    }
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Truncation {
    async fn run(&self) -> Result<u64> {
        let partitions = Arc::new(Partitions::all());
        let walk = Walk::new(&self.namespace, self.set.as_deref(), &partitions);
        let mut sweep = Sweep::new(&self.namespace, walk);
        let gone = |meta: &Meta| meta.last_update < self.before;
        let mut removed = 0;
        let ended = loop {
            match sweep.step(&gone, &mut removed).await {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(removed),
                Err(e) => break Err(Error::from(e)),
            }
        };
        let namespace = &*self.namespace.name;
        match &ended {
            Ok(removed) => tracing::info!(namespace, removed, "truncated"),
            Err(e) => tracing::error!(namespace, removed, "truncation ended early: {e}"),
        }
        ended
    }
}

/// The search for expired records, which keeps its place between looks.
struct Expiry {
    namespace: Arc<Namespace>,
    sweep: Sweep,
}

impl Expiry {
    fn new(namespace: &Arc<Namespace>) -> Self {
        Self {
            sweep: Self::sweep(namespace),
            namespace: namespace.clone(),
        }
    }

    fn sweep(namespace: &Arc<Namespace>) -> Sweep {
        let walk = Walk::new(namespace, None, &Arc::new(Partitions::all()));
        Sweep::new(namespace, walk)
    }

    /// Looks at about `budget` more records and removes those that expired before `now`. The look
    /// ends at the namespace's end even when budget is left; the next one starts over.
    async fn look(&mut self, now: u32, budget: u64) -> Result<(), StoreError> {
        let mut seen = 0;
        while seen < budget {
            let gone = |meta: &Meta| meta.is_expired(now);
            match self.sweep.step(&gone, &mut 0).await? {
                Some(n) => seen += n as u64,
                None => {
                    self.sweep = Self::sweep(&self.namespace);
                    break;
                }
            }
        }
        Ok(())
    }
}

/// A walk that removes what a rule has.
struct Sweep {
    namespace: Arc<Namespace>,
    walk: Walk,
    items: Vec<Item>,
}

impl Sweep {
    fn new(namespace: &Arc<Namespace>, walk: Walk) -> Self {
        Self {
            namespace: namespace.clone(),
            walk,
            items: Vec::new(),
        }
    }

    /// Looks at some records and removes those that are `gone`; gives how many it looked at, `None` at
    /// the end. A record that is written meanwhile stays.
    async fn step(
        &mut self,
        gone: &(impl Fn(&Meta) -> bool + Sync),
        removed: &mut u64,
    ) -> Result<Option<usize>, StoreError> {
        match self.walk.step(PAGE, PAGE_BYTES, &mut self.items).await {
            Step::More | Step::Ended => {}
            Step::Failed(_, e) => return Err(e),
            Step::Over => return Ok(None),
        }
        let seen = self.items.len();
        let mut commits: Vec<Commit> = self
            .items
            .drain(..)
            .filter_map(|item| match item.known {
                Some(Ok(Some(known))) if gone(&known.record.meta) => Some(Commit {
                    digest: item.digest,
                    expected: Expected::Version(known.version),
                    change: Change::Remove,
                }),
                _ => None,
            })
            .collect();
        if commits.is_empty() {
            return Ok(Some(seen));
        }
        let mut outcomes = Vec::with_capacity(commits.len());
        self.namespace.commit(&mut commits, &mut outcomes).await;
        for outcome in outcomes {
            match outcome {
                Ok(_) => *removed += 1,
                Err(StoreError::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(Some(seen))
    }
}
