//! The calls of a session, each begun by a method and finished by its `execute`.

use super::action::Selection;
use super::{
    BackgroundTasks, DataSet, Delete, Exists, Fetch, Function, IndexBuilder, Info, IntoKeys,
    OnKeys, Put, Query, Session, Touch,
};
use crate::change::ExistsAction;

impl Session {
    /// Modules and indexes.
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

    /// Makes or drops a secondary index of a set, or of a namespace when the set's name is empty.
    pub fn index(&self, set: impl Into<DataSet>) -> IndexBuilder {
        IndexBuilder::new(self, set.into())
    }

    /// Reads the records of a set, or of a namespace when the set's name is empty.
    pub fn query(&self, set: impl Into<DataSet>) -> Query {
        Query::new(self, set.into())
    }
}
