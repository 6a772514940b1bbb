//! A running component, and how a batch goes through it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::TypedFunc;

use super::compiled::{Compiled, Function};
use super::failure::failure;
use super::outcome;
use super::pack::pack;
use super::state::State;
use crate::change::{RecordContext, Scope};
use crate::udf::{Budget, Instance, Invoker, UdfError, UdfErrorKind, UdfResult};

/// The most records of one crossing: past this the boundary's cost no longer shows.
const CROSSING: usize = 256;

type Run = TypedFunc<(u32, Arc<Vec<u8>>), ()>;

/// An instance that was not ended by a trap.
pub(super) struct Live {
    store: Store<State>,
    run: Run,
}

impl Live {
    /// A fresh instance.
    pub(super) fn start(module: &Compiled) -> Result<Self, UdfError> {
        let state = State::new(module.log.clone(), &module.limits);
        let mut store = state.into_store(&module.shared.engine, &module.shared.ticker);
        module.shared.ticker.keep_ticking();
        let started = module.pre.instantiate(&mut store);
        match started.and_then(|i| i.get_typed_func(&mut store, module.run)) {
            Ok(run) => Ok(Self { store, run }),
            Err(e) => {
                let mut error = failure(&e, store.data(), &module.limits, &module.file);
                error.message = format!("the module cannot be started: {}", error.message);
                Err(error)
            }
        }
    }
}

/// One component instance, renewed when a trap ends it.
pub(super) struct WasmInstance {
    module: Arc<Compiled>,
    live: Option<Live>,
    /// The open function's number.
    function: usize,
    /// What a crossing hands over: the length of the open function's arguments, these, and the records.
    input: Arc<Vec<u8>>,
    /// How long the arguments are in it, and where the records start.
    arguments: usize,
    records: usize,
    /// How many records the next crossing takes. One after a failure, so that only the
    /// culprit fails; it doubles while crossings are well within the time of one record.
    crossing: usize,
}

impl WasmInstance {
    pub(super) fn new(module: Arc<Compiled>, live: Live) -> Self {
        Self {
            module,
            live: Some(live),
            function: 0,
            input: Arc::new(pack_arguments(&[])),
            arguments: 0,
            records: ALIGN,
            crossing: CROSSING,
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
        let state = live.store.data_mut();
        let bins = self.module.functions[function].bins.as_deref();
        let input = Arc::make_mut(&mut self.input);
        input.truncate(self.records);
        self.module.shared.ticker.keep_ticking();
        let count = pack(batch, scope, bins, input, &mut state.stubs);
        // A full crossing may have been large enough to be slow.
        let began = (count >= self.crossing).then(Instant::now);
        state.begin(limits, budget);
        live.store.set_epoch_deadline(1);
        let parameters = (function as u32, self.input.clone());
        let returned = live.run.call(&mut live.store, parameters);
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
                self.live = Some(live);
                if let Some(began) = began {
                    self.pace(began.elapsed());
                }
                Ok(count)
            }
            Err(e) => Err(failure(&e, live.store.data(), limits, &self.module.file)),
        }
    }

    /// A crossing has the time of one record, so that a loop in one of many is found soon;
    /// crossings of slow functions are kept small enough for it.
    fn pace(&mut self, took: Duration) {
        let limit = self.module.limits.time();
        if took * 8 < limit {
            self.crossing = (self.crossing * 2).min(CROSSING);
        } else if took * 3 > limit {
            self.crossing = (self.crossing / 2).max(1);
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
            self.function = functions.iter().position(is).ok_or_else(|| {
                UdfError::new(UdfErrorKind::FunctionNotFound, "function not found")
            })?;
        }
        if self.input[LENGTH..LENGTH + self.arguments] != *args {
            let input = pack_arguments(args);
            (self.arguments, self.records) = (args.len(), input.len());
            self.input = Arc::new(input);
        }
        Ok(self)
    }
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
            let size = self.crossing.min(rest.len());
            match self.cross(&mut rest[..size], scope, budget, results) {
                Ok(count) => rest = &mut rest[count..],
                Err(error) => {
                    self.crossing = 1;
                    if size == 1 || error.kind == UdfErrorKind::Cancelled {
                        results.push(Err(error));
                        rest = &mut rest[1..];
                    }
                }
            }
        }
    }
}
