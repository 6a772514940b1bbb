//! A function over records that nobody stores, again and again.

use std::sync::Arc;

use super::fixture::FixtureRecord;
use crate::change::{RecordContext, Scope};
use crate::model::{self, Value, now_secs};
use crate::udf::{Aggregator, Budget, Instance, UdfError, UdfResult};

/// The namespace that functions find their records in.
const NAMESPACE: &str = "test";

/// A function, ready to be run over records again and again.
pub struct Over<'a> {
    contexts: Vec<RecordContext>,
    scope: Scope,
    function: String,
    args: Vec<u8>,
    instance: &'a mut dyn Instance,
    results: Vec<UdfResult>,
}

impl<'a> Over<'a> {
    /// Readies a function of an instance with its packed arguments.
    ///
    /// # Errors
    /// A record that cannot be one.
    pub fn new(
        instance: &'a mut dyn Instance,
        function: &str,
        args: Vec<u8>,
        records: &[FixtureRecord],
    ) -> model::Result<Self> {
        let scope = scope(records);
        let contexts = records.iter().map(|record| context(record, &scope));
        Ok(Self {
            contexts: contexts.collect::<model::Result<_>>()?,
            scope,
            function: function.to_owned(),
            args,
            instance,
            results: Vec::new(),
        })
    }

    /// Calls the function on each of the records. Returns on how many it succeeded.
    pub fn each(&mut self) -> usize {
        for context in &mut self.contexts {
            context.reset();
        }
        self.results.clear();
        if let Ok(invoker) = self.instance.open(&self.function, &self.args) {
            let budget = &Budget::default();
            invoker.each(&mut self.contexts, &self.scope, budget, &mut self.results);
        }
        self.results.iter().filter(|result| result.is_ok()).count()
    }

    /// Aggregates the records. Returns how many values they come to.
    pub fn aggregate(&mut self) -> usize {
        let budget = &Budget::default();
        self.instance
            .aggregate(&self.function, &self.args, budget)
            .and_then(|aggregator| fold(aggregator, &mut self.contexts, &self.scope))
            .map_or(0, |values| values.len())
    }
}

/// Folds all records into an aggregation that is open, and ends it.
pub fn fold(
    aggregator: &mut dyn Aggregator,
    contexts: &mut [RecordContext],
    scope: &Scope,
) -> Result<Vec<Value>, UdfError> {
    let mut values = Vec::new();
    let budget = &Budget::default();
    aggregator.fold(contexts, scope, budget, &mut values)?;
    aggregator.finish(budget, &mut values)?;
    Ok(values)
}

/// What the records share; sets are numbered as they come.
pub fn scope(records: &[FixtureRecord]) -> Scope {
    let mut sets: Vec<Arc<str>> = vec!["".into()];
    for record in records {
        if !sets.iter().any(|set| **set == *record.set) {
            sets.push(record.set.as_str().into());
        }
    }
    Scope {
        namespace: NAMESPACE.into(),
        sets: Arc::new(sets),
        now: now_secs(),
        default_ttl: 0,
    }
}

/// A record, as a function is handed it.
///
/// # Errors
/// A record that cannot be one.
pub fn context(record: &FixtureRecord, scope: &Scope) -> model::Result<RecordContext> {
    let set = scope.sets.iter().position(|set| **set == *record.set);
    let set = set.and_then(|at| u16::try_from(at).ok()).unwrap_or(0);
    let key = record.key.as_ref().map(|key| key.0.clone());
    Ok(RecordContext::new(
        record.digest()?,
        set,
        key,
        record.stored(set)?,
    ))
}
