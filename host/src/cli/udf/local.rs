//! Modules in this process, run on records that nobody stores.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::fixture::FixtureRecord;
use super::log::{self, Line};
use super::over::{Over, context, fold, scope};
use crate::assembly;
use crate::change::{Effects, RecordContext, Scope};
use crate::cli::error::CliError;
use crate::model::{self, BodyBuilder, Record, Value, msgpack, now_millis};
use crate::udf::{Budget, FunctionInfo, Instance, Registered, Registry, Settings, UdfError};

/// Runtimes, and the modules that are loaded into them.
pub struct Local {
    registry: Arc<Registry>,
}

/// A module, ready to run.
pub struct LocalModule {
    registered: Arc<Registered>,
    instance: Box<dyn Instance>,
    /// How long it took to compile.
    pub compiled_in: Duration,
}

/// What a call of a function came to.
#[derive(Debug)]
pub struct Outcome {
    /// What it returned, or why it failed.
    pub result: Result<Value, String>,
    /// The record before.
    pub before: Option<Record>,
    /// What a host would do to the record.
    pub effects: Effects,
    /// What it logged.
    pub log: Vec<Line>,
    /// How long it took: the shortest of some runs.
    pub time: Duration,
    /// The memory that its instance holds afterwards, in bytes.
    pub memory: usize,
}

/// What an aggregation came to.
#[derive(Debug)]
pub struct Total {
    /// Its values, or why it failed.
    pub values: Result<Vec<Value>, String>,
    /// The same where two instances fold half of the records each.
    pub merged: Result<Vec<Value>, String>,
    /// What it logged.
    pub log: Vec<Line>,
    /// How long it took.
    pub time: Duration,
    /// The memory that its instance holds afterwards, in bytes.
    pub memory: usize,
}

impl Local {
    /// No modules yet.
    pub fn new(settings: Settings) -> Result<Self, CliError> {
        let registry =
            assembly::modules_alone(settings).map_err(|error| CliError::Serve(error.into()))?;
        Ok(Self { registry })
    }

    /// Loads a module's file.
    pub async fn load(&self, path: &Path) -> Result<LocalModule, CliError> {
        let bytes = std::fs::read(path).map_err(|source| CliError::File {
            path: path.display().to_string(),
            source,
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.load_bytes(&name, bytes.into()).await
    }

    /// Loads a module under a file name.
    pub async fn load_bytes(&self, file: &str, bytes: Bytes) -> Result<LocalModule, CliError> {
        let started = Instant::now();
        let refused = |reason: String| CliError::Refused {
            name: file.to_owned(),
            reason,
        };
        self.registry
            .register(file, bytes)
            .await
            .map_err(|error| refused(error.to_string()))?;
        let compiled_in = started.elapsed();
        let registered = self
            .registry
            .find(crate::udf::package_of(file))
            .ok_or_else(|| refused("it is gone again".to_owned()))?;
        let instance = registered
            .module
            .instantiate()
            .map_err(|error| refused(error.to_string()))?;
        Ok(LocalModule {
            registered,
            instance,
            compiled_in,
        })
    }
}

/// Runs beyond the first one, which warms up: together no longer than this.
const REPEATS: usize = 20;
const REPEATS_TIME: Duration = Duration::from_millis(20);

impl LocalModule {
    /// The module's functions and aggregations.
    pub fn functions(&self) -> Vec<FunctionInfo> {
        self.registered.module.functions()
    }

    /// The name of its runtime.
    pub fn runtime(&self) -> &'static str {
        self.registered.runtime
    }

    /// The module's file name.
    pub fn file(&self) -> &str {
        &self.registered.source.file
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.registered.source.bytes.len()
    }

    /// Calls a function on a record, some times to tell how long it takes.
    ///
    /// # Errors
    /// A record that cannot be one.
    pub fn call(
        &mut self,
        function: &str,
        args: &[Value],
        record: &FixtureRecord,
    ) -> model::Result<Outcome> {
        self.repeat(function, args, record, REPEATS)
    }

    /// Calls a function on a record once.
    ///
    /// # Errors
    /// A record that cannot be one.
    pub fn try_out(
        &mut self,
        function: &str,
        args: &[Value],
        record: &FixtureRecord,
    ) -> model::Result<Outcome> {
        self.repeat(function, args, record, 0)
    }

    fn repeat(
        &mut self,
        function: &str,
        args: &[Value],
        record: &FixtureRecord,
        repeats: usize,
    ) -> model::Result<Outcome> {
        let scope = scope(std::slice::from_ref(record));
        let mut context = [context(record, &scope)?];
        let args = msgpack::pack_list(args.iter().cloned());
        let (result, mut log) = log::catch(|| self.run(function, &args, &mut context, &scope));
        let mut time = result.1;
        if let Err(error) = &result.0 {
            // The host logs a failure, which is told here in any case.
            let failure = error.to_string();
            log.retain(|line| !line.text.starts_with(&failure));
        }
        let mut result = result.0.map_err(|error| said(&error));
        let [done] = &context;
        let effects = match &result {
            Ok(_) => done
                .effects(
                    &scope,
                    now_millis(),
                    &mut BodyBuilder::new(),
                    &mut Vec::new(),
                )
                .unwrap_or_else(|error| {
                    result = Err(error.to_string());
                    Effects::None
                }),
            Err(_) => Effects::None,
        };
        let memory = self.instance.memory();
        let started = Instant::now();
        for _ in 0..repeats {
            if started.elapsed() + time > REPEATS_TIME {
                break;
            }
            context[0].reset();
            time = time.min(self.run(function, &args, &mut context, &scope).1);
        }
        Ok(Outcome {
            result,
            before: context[0].base().cloned(),
            effects,
            log,
            time,
            memory,
        })
    }

    fn run(
        &mut self,
        function: &str,
        args: &[u8],
        context: &mut [RecordContext; 1],
        scope: &Scope,
    ) -> (Result<Value, UdfError>, Duration) {
        let mut results = Vec::with_capacity(1);
        let started = Instant::now();
        let opened = self.instance.open(function, args);
        let result = opened.and_then(|invoker| {
            invoker.each(context, scope, &Budget::default(), &mut results);
            results.pop().unwrap_or(Ok(Value::Nil))
        });
        (result, started.elapsed())
    }

    /// Aggregates records: all in one instance, and in two that are merged.
    ///
    /// # Errors
    /// A record that cannot be one.
    pub fn aggregate(
        &mut self,
        function: &str,
        args: &[Value],
        records: &[FixtureRecord],
    ) -> model::Result<Total> {
        let scope = scope(records);
        let mut contexts = records
            .iter()
            .map(|record| context(record, &scope))
            .collect::<model::Result<Vec<_>>>()?;
        let args = msgpack::pack_list(args.iter().cloned());
        let started = Instant::now();
        let (values, log) = log::catch(|| {
            let whole = self
                .instance
                .aggregate(function, &args, &Budget::default())?;
            fold(whole, &mut contexts, &scope)
        });
        let time = started.elapsed();
        let memory = self.instance.memory();
        for context in &mut contexts {
            context.reset();
        }
        let merged = self.merged(function, &args, &mut contexts, &scope);
        Ok(Total {
            values: values.map_err(|error| said(&error)),
            merged: merged.map_err(|error| said(&error)),
            log,
            time,
            memory,
        })
    }

    /// Readies a function to be run over and over on these records.
    ///
    /// # Errors
    /// A record that cannot be one.
    pub fn over(
        &mut self,
        function: &str,
        args: &[Value],
        records: &[FixtureRecord],
    ) -> model::Result<Over<'_>> {
        let args = msgpack::pack_list(args.iter().cloned());
        Over::new(&mut *self.instance, function, args, records)
    }

    /// What it was built with, where it says so.
    pub fn built_with(&self) -> Option<&str> {
        self.registered.module.built_with()
    }

    /// Has the instance ready to run, and gives the memory that it holds then, in bytes.
    pub fn start(&mut self) -> usize {
        // No module has such a function, so that none of its own runs.
        let _ = self.try_out("", &[], &FixtureRecord::missing());
        self.memory()
    }

    /// The memory that its instance holds, in bytes.
    pub fn memory(&self) -> usize {
        self.instance.memory()
    }

    fn merged(
        &mut self,
        function: &str,
        args: &[u8],
        contexts: &mut [RecordContext],
        scope: &Scope,
    ) -> Result<Vec<Value>, UdfError> {
        let budget = &Budget::default();
        let (left, right) = contexts.split_at_mut(contexts.len() / 2);
        let mut other = self.registered.module.instantiate()?;
        let theirs = other.aggregate(function, args, budget)?;
        let (mut values, mut partial) = (Vec::new(), Vec::new());
        let ours = self.instance.aggregate(function, args, budget)?;
        ours.fold(left, scope, budget, &mut values)?;
        theirs.fold(right, scope, budget, &mut values)?;
        theirs.take(budget, &mut partial)?;
        ours.merge(&partial, budget)?;
        ours.finish(budget, &mut values)?;
        Ok(values)
    }
}

/// The failure with its place, and the traceback where there is one.
fn said(error: &UdfError) -> String {
    match &error.backtrace {
        Some(trace) => format!("{error}\n{trace}"),
        None => error.to_string(),
    }
}
