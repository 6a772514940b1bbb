//! An instance of a module, and how a batch goes through a function of it.

use std::sync::Arc;

use super::aggregate::Aggregation;
use super::compiled::{Compiled, Function};
use super::failure::failure;
use super::live::Live;
use super::outcome;
use super::pace::Pace;
use super::pack::pack;
use crate::change::{RecordContext, Scope};
use crate::model::Isolation;
use crate::udf::{Aggregator, Budget, Instance, Invoker, UdfError, UdfErrorKind, UdfResult};

/// One component instance, renewed when a trap ends it.
pub(super) struct WasmInstance {
    module: Arc<Compiled>,
    /// `None` when a trap ended it, or when an aggregation has it.
    live: Option<Live>,
    aggregation: Option<Aggregation>,
    /// The open function's number.
    function: usize,
    /// What a crossing hands over: the length of the open function's arguments, these, and the records.
    input: Arc<Vec<u8>>,
    /// How long the arguments are in it, and where the records start.
    arguments: usize,
    records: usize,
    /// Starts again after a failure, so that only the culprit fails.
    pace: Pace,
}

impl WasmInstance {
    pub(super) fn new(module: Arc<Compiled>, live: Live) -> Self {
        Self {
            module,
            live: Some(live),
            aggregation: None,
            function: 0,
            input: Arc::new(pack_arguments(&[])),
            arguments: 0,
            records: ALIGN,
            pace: Pace::full(),
        }
    }

    /// Closes the open aggregation; its state is gone.
    fn end_aggregation(&mut self) {
        if let Some(open) = self.aggregation.take() {
            self.live = open.end();
        }
    }

    /// Runs one crossing's records, from the front of `batch`; returns how many they were.
    fn cross(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    ) -> Result<usize, UdfError> {
        let limits = &self.module.limits;
        let function = self.function;
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.module)?,
        };
        let Some(run) = live.run else {
            return Err(not_found(&self.module, ""));
        };
        let state = live.store.data_mut();
        let bins = self.module.functions[function].bins.as_deref();
        let input = Arc::make_mut(&mut self.input);
        input.truncate(self.records);
        self.module.shared.ticker.keep_ticking();
        let count = pack(batch, scope, bins, input, &mut state.stubs);
        let began = self.pace.began(count);
        state.set_now(scope.now);
        state.begin(limits, budget);
        live.store.set_epoch_deadline(1);
        let parameters = (function as u32, self.input.clone());
        let returned = run.call(&mut live.store, parameters);
        let outcomes = live.store.data_mut().end();
        match returned {
            Ok(()) => {
                let batch = &mut batch[..count];
                let file = &self.module.file;
                let applied = outcome::apply(outcomes, batch, limits, file, results);
                if let Err(e) = applied {
                    return Err(UdfError {
                        module: file.to_string(),
                        ..UdfError::new(UdfErrorKind::Result, e.to_string())
                    });
                }
                if self.module.isolation == Isolation::Shared {
                    self.live = Some(live);
                }
                self.pace.ended(began, limits.time());
                Ok(count)
            }
            Err(e) => Err(failure(&e, live.store.data(), limits, &self.module.file)),
        }
    }
}

/// Bytes of the length that arguments follow.
const LENGTH: usize = 4;

/// Records start at a multiple of this.
const ALIGN: usize = 16;

/// The arguments as they stand before the records.
fn pack_arguments(arguments: &[u8]) -> Vec<u8> {
    let length = (arguments.len() as u32).to_le_bytes();
    let mut input = [&length, arguments].concat();
    input.resize(input.len().next_multiple_of(ALIGN), 0);
    input
}

impl Instance for WasmInstance {
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        let functions = &self.module.functions;
        let is = |f: &Function| f.info.name == function;
        if !functions.get(self.function).is_some_and(is) {
            let found = functions.iter().position(is);
            self.function = found.ok_or_else(|| not_found(&self.module, function))?;
        }
        if self.input[LENGTH..LENGTH + self.arguments] != *args {
            let input = pack_arguments(args);
            (self.arguments, self.records) = (args.len(), input.len());
            self.input = Arc::new(input);
        }
        self.end_aggregation();
        Ok(self)
    }

    fn aggregate(
        &mut self,
        function: &str,
        args: &[u8],
        budget: &Budget,
    ) -> Result<&mut dyn Aggregator, UdfError> {
        self.end_aggregation();
        let live = self.live.take();
        let begun = Aggregation::begin(&self.module, live, function, args, budget)?;
        Ok(self.aggregation.insert(begun))
    }

    fn memory(&self) -> usize {
        let of = |live: &Live| live.store.data().memory;
        let open = self.aggregation.as_ref().map_or(0, Aggregation::memory);
        open + self.live.as_ref().map_or(0, of)
    }

    fn aggregator(&mut self) -> Option<&mut dyn Aggregator> {
        let open = self.aggregation.as_mut()?;
        Some(open)
    }
}

#[cold]
fn not_found(module: &Compiled, name: &str) -> UdfError {
    let is_aggregation = module.aggregations().iter().any(|f| f.info.name == name);
    let message = if is_aggregation {
        format!("{name} is an aggregation over a query, not a function on records")
    } else {
        "function not found".into()
    };
    UdfError::new(UdfErrorKind::FunctionNotFound, message)
}

impl Invoker for WasmInstance {
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    ) {
        let mut rest = batch;
        while !rest.is_empty() {
            if budget.is_cancelled() {
                let error = UdfError::new(UdfErrorKind::Cancelled, "the task was aborted");
                results.extend(rest.iter().map(|_| Err(error.clone())));
                return;
            }
            let size = match self.module.isolation {
                Isolation::Shared => self.pace.next(rest.len()),
                Isolation::Call => 1,
            };
            match self.cross(&mut rest[..size], scope, budget, results) {
                Ok(count) => rest = &mut rest[count..],
                Err(error) => {
                    self.pace.restart();
                    if size == 1 || error.kind == UdfErrorKind::Cancelled {
                        results.push(Err(error));
                        rest = &mut rest[1..];
                    }
                }
            }
        }
    }
}
