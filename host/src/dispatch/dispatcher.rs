//! The dispatcher: the one way from a door to the records.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Namespace;
use super::apply::{Environment, Item, Worker};
use super::background::{Background, BackgroundSpec};
use super::pool::Pool;
use super::reaping::Reaping;
use super::turns::Turns;
use crate::model::{Error, Result, ResultCode};
use crate::request::{Reply, Request, Target, UdfCall, Work};
use crate::task::{Task, Tracker};
use crate::udf::Registry;

/// Records per batch of a foreground call, so that a large one spreads over the threads.
const BATCH: usize = 128;

/// How many threads run functions.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    /// For foreground calls.
    pub foreground: usize,
    /// For background tasks.
    pub background: usize,
}

impl Default for Threads {
    /// One each per core.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            foreground: cores,
            background: cores,
        }
    }
}

/// Namespaces, modules, tasks, and the threads that bring them together.
pub struct Dispatcher {
    namespaces: Vec<Arc<Namespace>>,
    registry: Arc<Registry>,
    tracker: Tracker,
    turns: Arc<Turns>,
    pool: Pool,
    background: Background,
    _reaping: Reaping,
    never: AtomicBool,
}

impl Dispatcher {
    /// A dispatcher over namespaces and modules; starts its threads.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(
        namespaces: Vec<Arc<Namespace>>,
        registry: Arc<Registry>,
        threads: Threads,
    ) -> Result<Self> {
        let turns = Arc::new(Turns::default());
        Ok(Self {
            pool: Pool::start(threads.foreground, &registry, &turns)?,
            background: Background::start(threads.background, &registry, &turns)?,
            _reaping: Reaping::start(namespaces.clone())?,
            namespaces,
            registry,
            tracker: Tracker::new(),
            turns,
            never: AtomicBool::new(false),
        })
    }

    /// Every namespace.
    pub fn namespaces(&self) -> &[Arc<Namespace>] {
        &self.namespaces
    }

    /// A namespace by name.
    ///
    /// # Errors
    /// [`ResultCode::InvalidNamespace`].
    pub fn namespace(&self, name: &[u8]) -> Result<&Arc<Namespace>> {
        self.namespaces
            .iter()
            .find(|ns| ns.name.as_bytes() == name)
            .ok_or_else(|| {
                Error::new(
                    ResultCode::InvalidNamespace,
                    format!(
                        "there is no namespace {}; namespaces are set in the config file",
                        String::from_utf8_lossy(name)
                    ),
                )
            })
    }

    /// The modules.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The background tasks.
    pub fn tasks(&self) -> &Tracker {
        &self.tracker
    }

    /// Applies a request to one record.
    pub async fn execute_one(
        &self,
        namespace: &Arc<Namespace>,
        request: Request,
        target: Target,
    ) -> Reply {
        let item = match item(namespace, &request, target) {
            Ok(item) => item,
            Err(e) => return e.into(),
        };
        let mut replies = Vec::with_capacity(1);
        if let Work::Udf(call) = &request.work {
            if let Some(reply) = self.invoke_here(namespace, &request, call, &item).await {
                return reply;
            }
            replies = self
                .pool
                .run(namespace.clone(), Arc::new(request), vec![item])
                .await;
        } else {
            self.apply_here(namespace, &request, &mut [item], false, &mut replies)
                .await;
        }
        replies
            .into_iter()
            .next()
            .unwrap_or_else(|| ResultCode::ServerError.into())
    }

    /// Applies a request to a batch of records; the replies are in the targets' order.
    pub async fn execute(
        &self,
        namespace: &Arc<Namespace>,
        request: Request,
        targets: Vec<Target>,
    ) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = Vec::with_capacity(targets.len());
        let mut items = Vec::with_capacity(targets.len());
        for target in targets {
            match item(namespace, &request, target) {
                Ok(item) => {
                    items.push(item);
                    replies.push(None);
                }
                Err(e) => replies.push(Some(e.into())),
            }
        }
        let mut done = if let Work::Udf(_) = request.work {
            let request = Arc::new(request);
            let mut batches = Vec::new();
            let mut rest = items.into_iter();
            loop {
                let batch: Vec<Item> = rest.by_ref().take(BATCH).collect();
                if batch.is_empty() {
                    break;
                }
                batches.push(self.pool.run(namespace.clone(), request.clone(), batch));
            }
            futures::future::join_all(batches)
                .await
                .into_iter()
                .flatten()
                .collect()
        } else {
            let mut done = Vec::with_capacity(items.len());
            for batch in items.chunks_mut(BATCH) {
                self.apply_here(namespace, &request, batch, false, &mut done)
                    .await;
                tokio::task::consume_budget().await;
            }
            done
        }
        .into_iter();
        let missing = || Reply::from(ResultCode::ServerError);
        replies
            .into_iter()
            .map(|r| r.unwrap_or_else(|| done.next().unwrap_or_else(missing)))
            .collect()
    }

    /// Runs a function on the caller's own thread, as most end sooner than another thread wakes.
    /// One that takes long is cut off, having changed nothing: `None`, and the pool runs it from the start.
    async fn invoke_here(
        &self,
        namespace: &Arc<Namespace>,
        request: &Request,
        call: &UdfCall,
        item: &Item,
    ) -> Option<Reply> {
        let module = self
            .registry
            .find(&call.package)
            .filter(|module| !module.is_slow())?;
        let mut replies = Vec::with_capacity(1);
        self.apply_here(namespace, request, &mut [item.clone()], true, &mut replies)
            .await;
        let reply = replies.pop()?;
        if reply.code == ResultCode::Timeout {
            module.note_slow();
            return None;
        }
        Some(reply)
    }

    /// Applies a request on the caller's own thread.
    async fn apply_here(
        &self,
        namespace: &Arc<Namespace>,
        request: &Request,
        items: &mut [Item],
        brief: bool,
        replies: &mut Vec<Reply>,
    ) {
        if !matches!(request.work, Work::Read(_)) {
            for item in items.iter() {
                self.turns.wait_async(&item.digest).await;
            }
        }
        thread_local! {
            static WORKER: RefCell<Worker> = RefCell::default();
        }
        let scope = namespace.scope();
        let env = Environment {
            namespace,
            scope: &scope,
            registry: &self.registry,
            turns: &self.turns,
            cancelled: &self.never,
            brief,
        };
        WORKER.with_borrow_mut(|worker| {
            if brief {
                worker.drop_replaced(&self.registry);
            }
            worker.apply(&env, request, items, replies);
        });
    }

    /// Starts a background task.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when an active task has the same id.
    pub fn background(&self, spec: BackgroundSpec) -> Result<Arc<Task>> {
        let task = self.tracker.add(spec.info.clone())?;
        self.background.submit(task.clone(), spec);
        Ok(task)
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The store's.
    pub fn flush(&self) -> Result<()> {
        for namespace in &self.namespaces {
            namespace.store.flush()?;
        }
        Ok(())
    }
}

/// The set gets its id when something may be written to it.
fn item(namespace: &Namespace, request: &Request, target: Target) -> Result<Item> {
    let set = match request.work {
        Work::Read(_) | Work::Delete => namespace.find_set(&target.set).unwrap_or(0),
        _ => namespace.set_id(&target.set)?,
    };
    Ok(Item {
        digest: target.digest,
        set,
        user_key: target.user_key,
        known: None,
    })
}
