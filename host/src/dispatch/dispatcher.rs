//! The dispatcher: the one way from a door to the records.

use std::sync::Arc;
use std::time::Duration;

use super::Namespace;
use super::aggregate::{Aggregation, Folding};
use super::apply::Environment;
use super::background::Background;
use super::instances;
use super::live::Keeping;
use super::pool::Pool;
use super::query::Query;
use super::range::Ranged;
use super::removal::{Removal, Truncation};
use super::schedule::Schedule;
use super::sink::{Outcome, Sink};
use super::source::Item;
use super::workers::Workers;
use crate::model::{Error, Result, ResultCode, now_millis};
use crate::request::{
    AggregateSpec, IndexRef, QuerySpec, Reply, Request, Target, TaskSpec, Work, Yields,
};
use crate::task::{Task, Tracker};
use crate::udf::{Budget, FunctionInfo, Registry};

/// How long a function may hold the thread that brought its call, which others wait for. Most end
/// sooner than another thread wakes.
const PATIENCE: Duration = Duration::from_millis(2);

/// The threads that run functions, and what they keep.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    /// That bring calls: each has a worker of its own. The network's, or an embedder's.
    pub callers: usize,
    /// For foreground calls that take long, and for batches.
    pub foreground: usize,
    /// For background tasks.
    pub background: usize,
}

impl Default for Threads {
    /// One each per core.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            callers: cores,
            foreground: cores,
            background: cores,
        }
    }
}

impl Threads {
    /// All of them.
    pub fn total(&self) -> usize {
        [self.callers, self.foreground, self.background]
            .map(|n| n.max(1))
            .iter()
            .sum()
    }
}

/// Namespaces, modules, tasks, and the threads that bring them together.
pub struct Dispatcher {
    pub(super) pool: Pool,
    namespaces: Vec<Arc<Namespace>>,
    registry: Arc<Registry>,
    tracker: Tracker,
    workers: Workers,
    schedule: Schedule,
    aggregating: Arc<Keeping>,
    removal: Removal,
}

impl Dispatcher {
    /// A dispatcher over namespaces and modules; starts its threads, each of which keeps instances of
    /// at most `modules` modules.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when a thread cannot be started.
    pub fn start(
        namespaces: Vec<Arc<Namespace>>,
        registry: Arc<Registry>,
        threads: Threads,
        modules: usize,
    ) -> Result<Self> {
        Ok(Self {
            workers: Workers::new(threads.callers, modules),
            pool: Pool::start(threads.foreground, modules, &registry)?,
            schedule: Schedule::start(threads.background, modules, &registry)?,
            aggregating: Keeping::new(modules * threads.background.max(1)),
            removal: Removal::start(namespaces.clone())?,
            namespaces,
            registry,
            tracker: Tracker::new(),
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

    /// A call: applies a request to one record.
    ///
    /// A function starts on the caller's own thread. One that takes long has changed nothing by
    /// then, and is run from its start on the function threads.
    pub async fn call(
        &self,
        namespace: &Arc<Namespace>,
        request: Request,
        target: Target,
    ) -> Reply {
        let mut item = match Item::of_key(namespace, &request.work, target).await {
            Ok(item) => item,
            Err(e) => return e.into(),
        };
        let budget = Budget {
            patience: matches!(request.work, Work::Udf(_)).then_some(PATIENCE),
            cancel: None,
        };
        let mut outcome = None;
        let items = std::slice::from_mut(&mut item);
        self.apply_here(namespace, &request, items, &budget, &mut outcome)
            .await;
        let reply = match outcome {
            Some(Outcome::Reply(reply)) => Some(reply),
            Some(Outcome::Overran) => {
                let request = Arc::new(request);
                let run = self.pool.run(namespace.clone(), request, vec![item]);
                run.await.pop()
            }
            None => None,
        };
        reply.unwrap_or_else(|| ResultCode::ServerError.into())
    }

    /// Applies a request on the caller's own thread.
    pub(super) async fn apply_here(
        &self,
        namespace: &Namespace,
        request: &Request,
        items: &mut [Item],
        budget: &Budget,
        sink: &mut dyn Sink,
    ) {
        let mut worker = self.workers.borrow();
        let mut scope = worker.scope.take().unwrap_or_default();
        namespace.renew(&mut scope);
        let env = Environment {
            namespace,
            scope: &scope,
            registry: &self.registry,
            budget,
        };
        worker.apply(&env, request, items, sink).await;
        worker.scope = Some(scope);
        self.workers.give_back(worker);
    }

    /// A query: the records of a set or namespace, or those in a range of an index.
    ///
    /// # Errors
    /// When there is no such index, or it is not built yet.
    pub fn query(&self, namespace: &Arc<Namespace>, spec: QuerySpec) -> Result<Query> {
        Query::new(namespace.clone(), self.registry.clone(), spec)
    }

    /// Starts a background task.
    ///
    /// # Errors
    /// [`ResultCode::InvalidNamespace`]; [`ResultCode::ParameterError`] when an active task has the same
    /// id; when there is no such index as it is to go by, or it is not built yet.
    pub fn background(&self, mut spec: TaskSpec) -> Result<Arc<Task>> {
        let namespace = self.namespace(spec.namespace().as_bytes())?.clone();
        let range = Ranged::find_for_work(&namespace, spec.set(), spec.range.as_ref())?;
        if let (Some(asked), Some(found)) = (&mut spec.range, &range) {
            asked.index = IndexRef::Named(found.name().into());
        }
        let task = self.tracker.add(spec)?;
        let job = Background::new(task.clone(), namespace, range);
        self.schedule.submit(Arc::new(job));
        Ok(task)
    }

    /// Starts an aggregation: threads of background tasks fold the records, and what comes of it waits
    /// for its reader.
    ///
    /// # Errors
    /// [`ResultCode::InvalidNamespace`]; [`ResultCode::UdfExecution`] when the module is not there;
    /// [`ResultCode::ParameterError`] when an active task has the same id; when there is no such index
    /// as it is to go by, or it is not built yet.
    pub fn aggregate(&self, mut spec: AggregateSpec) -> Result<Aggregation> {
        let namespace = self.namespace(spec.namespace.as_bytes())?.clone();
        let module =
            instances::find(&self.registry, &spec.call.package).map_err(|e| Error::from(&e))?;
        // No client can reduce what a component yields.
        let is_whole = |f: &FunctionInfo| f.aggregation && *f.name == *spec.call.function;
        if module.module.functions().iter().any(is_whole) {
            spec.yields = Yields::Results;
        }
        let range = Ranged::find_for_work(&namespace, spec.set.as_deref(), spec.range.as_ref())?;
        let task = self.tracker.add(TaskSpec::from(&spec))?;
        let keeping = self.aggregating.clone();
        let work = Arc::new(Folding::new(spec, task, namespace, module, keeping, range));
        self.schedule.submit(work.clone());
        Ok(work.reader(self.schedule.bell()))
    }

    /// Begins to remove the records of a set (of the namespace, for `None`) that were last written
    /// before a moment: milliseconds since 2010-01-01 UTC, or the call, for `None`. What is written
    /// after this has returned stays. The future that it returns tells how many records are gone once
    /// all are, and need not be waited for.
    ///
    /// # Errors
    /// The store's; [`ResultCode::ServerError`] when the host stops meanwhile.
    pub async fn truncate(
        &self,
        namespace: &Arc<Namespace>,
        set: Option<&[u8]>,
        before: Option<u64>,
    ) -> impl Future<Output = Result<u64>> + Send + use<> {
        let before = match before {
            Some(moment) => moment,
            None => {
                // Writes are dated in milliseconds: those of this one were before the call, and the
                // next has begun when it returns.
                let next = now_millis() + 1;
                while now_millis() < next {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                next
            }
        };
        let removed = self.removal.truncate(Truncation {
            namespace: namespace.clone(),
            set: set.map(<[u8]>::to_vec),
            before,
        });
        async {
            let stopped = |_| Error::new(ResultCode::ServerError, "the host stopped meanwhile");
            removed.await.map_err(stopped)?
        }
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush(&self) -> Result<()> {
        for namespace in &self.namespaces {
            namespace.flush().await?;
        }
        Ok(())
    }
}
