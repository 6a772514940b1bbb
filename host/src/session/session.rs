//! The embedded door itself.

use std::fmt;
use std::sync::Arc;

use super::action::Selection;
use super::{
    BackgroundTasks, DataSet, Delete, Exists, Fetch, Function, Info, IntoKeys, OnKeys, Put, Query,
    RecordResult, Result, Touch,
};
use crate::change::ExistsAction;
use crate::dispatch::Dispatcher;
use crate::model::Key;
use crate::request::{Request, Target};

/// A host in this process: its records, modules and tasks. Clones share it.
///
/// All methods but [`Session::builder`] need a tokio runtime.
#[derive(Clone)]
pub struct Session {
    dispatcher: Arc<Dispatcher>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// A session over a dispatcher, which other doors may share.
    pub fn over(dispatcher: Arc<Dispatcher>) -> Self {
        Self { dispatcher }
    }

    /// The dispatcher behind it.
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// Modules.
    pub fn info(&self) -> Info {
        Info::new(self)
    }

    /// Tasks over whole sets, which run on after the call returns.
    pub fn background_task(&self) -> BackgroundTasks {
        BackgroundTasks::new(self)
    }

    /// Calls a function on records, and gives back what it returned for each.
    pub fn execute_udf(&self, keys: impl IntoKeys) -> OnKeys<Function> {
        OnKeys::new(self, keys, Function)
    }

    /// Writes bins; creates records that do not exist.
    pub fn upsert(&self, keys: impl IntoKeys) -> OnKeys<Put> {
        self.write(keys, ExistsAction::Upsert)
    }

    /// Creates records; fails for those that exist.
    pub fn insert(&self, keys: impl IntoKeys) -> OnKeys<Put> {
        self.write(keys, ExistsAction::CreateOnly)
    }

    /// Writes bins; fails for records that do not exist.
    pub fn update(&self, keys: impl IntoKeys) -> OnKeys<Put> {
        self.write(keys, ExistsAction::UpdateOnly)
    }

    /// Creates records, or replaces all their bins.
    pub fn replace(&self, keys: impl IntoKeys) -> OnKeys<Put> {
        self.write(keys, ExistsAction::Replace)
    }

    fn write(&self, keys: impl IntoKeys, exists: ExistsAction) -> OnKeys<Put> {
        OnKeys::new(self, keys, Put::default()).existing(exists)
    }

    /// Reads records: every bin, unless the call names some.
    pub fn get(&self, keys: impl IntoKeys) -> OnKeys<Fetch> {
        OnKeys::new(self, keys, Fetch(Selection::All))
    }

    /// Asks whether records exist.
    pub fn exists(&self, keys: impl IntoKeys) -> Exists {
        Exists::new(self, keys)
    }

    /// Renews the expiry of records: to the namespace's default, or as the call says.
    pub fn touch(&self, keys: impl IntoKeys) -> OnKeys<Touch> {
        OnKeys::new(self, keys, Touch).existing(ExistsAction::UpdateOnly)
    }

    /// Deletes records.
    pub fn delete(&self, keys: impl IntoKeys) -> OnKeys<Delete> {
        OnKeys::new(self, keys, Delete)
    }

    /// Reads the records of a set, or of a namespace when the set's name is empty.
    pub fn query(&self, set: impl Into<DataSet>) -> Query {
        Query::new(self, set.into())
    }

    /// Makes everything that was written as durable as the session is.
    ///
    /// # Errors
    /// The store's.
    pub fn flush(&self) -> Result<()> {
        Ok(self.dispatcher.flush()?)
    }

    /// Runs a request on keys; results come in the order of the keys. A batch goes to the
    /// dispatcher as one, or as one for each namespace it names.
    pub(super) async fn run(&self, request: Request, keys: Vec<Key>) -> Result<Vec<RecordResult>> {
        let mut results = Vec::with_capacity(keys.len());
        let mut rest = keys.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|k| k.namespace == first.namespace);
            let (group, others) = rest.split_at(same.count());
            let namespace = self.dispatcher.namespace(first.namespace.as_bytes())?;
            let targets = group.iter().map(Target::from).collect();
            let replies = self
                .dispatcher
                .execute(namespace, request.clone(), targets)
                .await;
            results.extend(
                group
                    .iter()
                    .zip(replies)
                    .map(|(key, reply)| RecordResult::of(key.clone(), reply)),
            );
            rest = others;
        }
        Ok(results)
    }
}
