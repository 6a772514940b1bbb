//! A running component, and how a batch goes through it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use wasmtime::Store;
use wasmtime::component::TypedFunc;

use super::failure::failure;
use super::module::Compiled;
use super::outcome;
use super::pack::pack;
use super::state::State;
use crate::change::RecordContext;
use crate::udf::{Call, Instance, UdfError, UdfErrorKind, UdfResult};

/// The most records of one crossing: past this the boundary's cost no longer shows.
const CROSSING: usize = 256;

type Run = TypedFunc<(u32, Arc<Vec<u8>>, Arc<Vec<u8>>), (Vec<u8>,)>;

/// An instance that was not ended by a trap.
pub(super) struct Live {
    store: Store<State>,
    run: Run,
}

impl Live {
    /// A fresh instance.
    pub(super) fn start(module: &Compiled) -> Result<Self, UdfError> {
        let state = State::new(module.file.clone(), &module.limits);
        let mut store = state.into_store(&module.shared.engine);
        let _running = module.shared.ticker.running();
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
    function: Option<usize>,
    arguments: Arc<Vec<u8>>,
    packed: Arc<Vec<u8>>,
    /// How many records the next crossing takes. One after a failure, so that only the
    /// culprit fails; it doubles while crossings are well within the time of one record.
    crossing: usize,
}

impl WasmInstance {
    pub(super) fn new(module: Arc<Compiled>, live: Live) -> Self {
        Self {
            module,
            live: Some(live),
            function: None,
            arguments: Arc::default(),
            packed: Arc::default(),
            crossing: CROSSING,
        }
    }

    fn find(&mut self, name: &str) -> Option<usize> {
        let functions = &self.module.functions;
        let is = |i: &usize| functions.get(*i).is_some_and(|f| f.info.name == name);
        if self.function.filter(is).is_none() {
            self.function = (0..functions.len()).find(is);
        }
        self.function
    }

    /// Runs one crossing's records, from the front of `batch`; returns how many they were.
    fn cross(
        &mut self,
        call: &Call<'_>,
        function: usize,
        batch: &mut [RecordContext],
        results: &mut Vec<UdfResult>,
    ) -> Result<usize, UdfError> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.module)?,
        };
        let state = live.store.data_mut();
        let bins = self.module.functions[function].bins.as_deref();
        let packed = own(&mut self.packed);
        let count = pack(batch, call.scope, bins, packed, &mut state.stubs);
        let began = Instant::now();
        state.begin(call, began);
        live.store.set_epoch_deadline(1);
        let parameters = (function as u32, self.arguments.clone(), self.packed.clone());
        let returned = live.run.call(&mut live.store, parameters);
        live.store.data_mut().end();
        match returned {
            Ok((outcomes,)) => {
                let batch = &mut batch[..count];
                let file = &self.module.file;
                let applied =
                    outcome::apply(Bytes::from(outcomes), batch, call.limits, file, results);
                if let Err(e) = applied {
                    return Err(UdfError {
                        module: file.to_string(),
                        ..UdfError::new(UdfErrorKind::Result, e.to_string())
                    });
                }
                self.live = Some(live);
                self.pace(count, began, call);
                Ok(count)
            }
            Err(e) => Err(failure(
                &e,
                live.store.data(),
                call.limits,
                &self.module.file,
            )),
        }
    }

    /// A crossing has the time of one record, so that a loop in one of many is found soon;
    /// crossings of slow functions are kept small enough for it.
    fn pace(&mut self, count: usize, began: Instant, call: &Call<'_>) {
        if count < self.crossing {
            return;
        }
        let (took, limit) = (began.elapsed(), call.limits.time());
        if took * 8 < limit {
            self.crossing = (self.crossing * 2).min(CROSSING);
        } else if took * 3 > limit {
            self.crossing = (self.crossing / 2).max(1);
        }
    }
}

/// The only owner of a buffer that calls borrow.
fn own(buffer: &mut Arc<Vec<u8>>) -> &mut Vec<u8> {
    Arc::make_mut(buffer)
}

impl Instance for WasmInstance {
    fn run(&mut self, call: &Call<'_>, batch: &mut [RecordContext], results: &mut Vec<UdfResult>) {
        let Some(function) = self.find(call.function) else {
            let error = UdfError::new(UdfErrorKind::FunctionNotFound, "function not found");
            results.extend(batch.iter().map(|_| Err(error.clone())));
            return;
        };
        if *self.arguments != call.args {
            let arguments = own(&mut self.arguments);
            arguments.clear();
            arguments.extend_from_slice(call.args);
        }
        let module = self.module.clone();
        let _running = module.shared.ticker.running();
        let mut rest = batch;
        while !rest.is_empty() {
            if call.cancelled.load(Ordering::Relaxed) {
                let error = UdfError::new(UdfErrorKind::Cancelled, "the task was aborted");
                results.extend(rest.iter().map(|_| Err(error.clone())));
                return;
            }
            let size = self.crossing.min(rest.len());
            match self.cross(call, function, &mut rest[..size], results) {
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
