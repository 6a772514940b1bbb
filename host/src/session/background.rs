//! Background tasks: calls on every record of a set.

use std::time::Duration;

use super::action::PutBins;
use super::options::{Options, seconds};
use super::{
    Args, BinBuilder, DataSet, Delete, ExecuteTask, Filter, Function, Invoke, Put, Renews, Result,
    Session, Touch, WriteAction,
};
use crate::model::Ttl;
use crate::request::TaskSpec;

/// Starts background tasks; see [`Session::background_task`].
#[derive(Debug)]
pub struct BackgroundTasks {
    session: Session,
}

impl BackgroundTasks {
    pub(super) fn new(session: &Session) -> Self {
        Self {
            session: session.clone(),
        }
    }

    /// Deletes records.
    pub fn delete(&self, set: impl Into<DataSet>) -> OnSet<Delete> {
        self.on(set, Delete)
    }

    /// Writes bins of records.
    pub fn update(&self, set: impl Into<DataSet>) -> OnSet<Put> {
        self.on(set, Put::default())
    }

    /// Renews the expiry of records: to the namespace's default, or as the call says.
    pub fn touch(&self, set: impl Into<DataSet>) -> OnSet<Touch> {
        self.on(set, Touch)
    }

    /// Calls a function on records.
    pub fn execute_udf(&self, set: impl Into<DataSet>) -> OnSet<Function> {
        self.on(set, Function)
    }

    fn on<A>(&self, set: impl Into<DataSet>, action: A) -> OnSet<A> {
        OnSet {
            session: self.session.clone(),
            set: set.into(),
            action,
            options: Options::default(),
            index: None,
            records_per_second: 0,
        }
    }
}

/// A call on every record of a set, to be started with [`OnSet::execute`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use petrel::session::Wait;
///
/// session.insert(users.ids([1, 2, 3])).bin("visits").set_to(1).execute().await?;
/// session.update(users.id(3)).bin("visits").set_to(9).execute().await?;
///
/// let tasks = session.background_task();
/// let task = tasks.update(&users).where_("$.visits < 5").bin("rare").set_to(true).execute().await?;
/// let report = task.wait_till_complete(Wait::default()).await?;
/// assert_eq!((report.succeeded, report.filtered, report.failed), (2, 1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a task does not start until it is executed"]
pub struct OnSet<A> {
    session: Session,
    set: DataSet,
    action: A,
    options: Options,
    index: Option<Filter>,
    records_per_second: u32,
}

impl<A> OnSet<A> {
    /// Leaves records alone that do not match the filter.
    pub fn where_(mut self, filter: impl Into<String>) -> Self {
        self.options.filter = Some(filter.into());
        self
    }

    /// Finds the records by a secondary index.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.index = Some(filter);
        self
    }

    /// Does at most this many records a second; 0, the default, for no limit.
    pub fn records_per_second(mut self, limit: u32) -> Self {
        self.records_per_second = limit;
        self
    }
}

impl<A: WriteAction> OnSet<A> {
    /// Starts the task.
    ///
    /// # Errors
    /// An unknown namespace or function, a bad bin name, a filter that does not parse, an index that
    /// is not there or not built yet.
    /// Failures of records are the task's; see [`ExecuteTask::report`].
    pub async fn execute(self) -> Result<ExecuteTask> {
        let request = self.options.request(self.action)?;
        let set = self.set.set().as_bytes();
        let mut spec = TaskSpec::new(self.set.namespace(), set, request)?;
        spec.records_per_second = self.records_per_second;
        spec.range = self.index.map(Filter::into_range).transpose()?;
        let task = self.session.dispatcher().background(spec)?;
        Ok(ExecuteTask::new(task))
    }
}

impl<A: Renews> OnSet<A> {
    /// Lets the records expire this long from now, in whole seconds, at least one.
    pub fn expire_after(mut self, ttl: Duration) -> Self {
        self.options.policy.ttl = seconds(ttl);
        self
    }

    /// Lets the records never expire.
    pub fn never_expire(mut self) -> Self {
        self.options.policy.ttl = Ttl::Never;
        self
    }
}

impl OnSet<Put> {
    /// Starts an operation on a bin.
    pub fn bin(self, name: impl Into<String>) -> BinBuilder<Self> {
        BinBuilder::new(self, name.into())
    }
}

impl PutBins for OnSet<Put> {
    fn put(&mut self) -> &mut Put {
        &mut self.action
    }
}

impl OnSet<Function> {
    /// Names the function: the package (the module's file name without extension) and the
    /// function in it.
    pub fn function(self, package: &str, function: &str) -> OnSet<Invoke> {
        OnSet {
            session: self.session,
            set: self.set,
            action: Invoke::new(package, function),
            options: self.options,
            index: self.index,
            records_per_second: self.records_per_second,
        }
    }
}

impl OnSet<Invoke> {
    /// The arguments beside the record.
    pub fn passing(mut self, args: impl Args) -> Self {
        self.action.pass(args);
        self
    }
}
