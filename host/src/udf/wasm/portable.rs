//! An instance of a component of the world `portable`, which is called once a record.

use std::sync::Arc;

use super::compiled::{Compiled, Function};
use super::failure::failure;
use super::live::Live;
use super::outcome::too_big;
use super::values::{self, Node};
use crate::change::{RecordContext, Scope};
use crate::model::{Isolation, msgpack};
use crate::udf::{Budget, Instance, Invoker, UdfError, UdfErrorKind, UdfResult};

/// One component instance, renewed when a trap ends it.
pub(super) struct PortableInstance {
    module: Arc<Compiled>,
    /// `None` when a trap ended it.
    live: Option<Live>,
    /// The open function's number, and its arguments: as they came, and as they cross.
    function: usize,
    packed: Vec<u8>,
    arguments: Arc<[Vec<Node>]>,
}

impl PortableInstance {
    pub(super) fn new(module: Arc<Compiled>, live: Live) -> Self {
        Self {
            module,
            live: Some(live),
            function: 0,
            packed: Vec::new(),
            arguments: Arc::new([]),
        }
    }

    /// Takes the arguments for the open function.
    fn take(&mut self, args: &[u8]) -> Result<(), UdfError> {
        if self.packed == *args {
            return Ok(());
        }
        let limit = self.module.limits.memory_bytes;
        let items = msgpack::list_items(args)
            .map_err(|e| self.error(UdfErrorKind::Arguments, e.to_string()))?;
        let flat = items
            .iter()
            .map(|value| values::flat_value(value, limit))
            .collect::<Result<_, _>>()
            .map_err(|wanted| {
                let message = format!("the arguments take {wanted} bytes, the limit is {limit}");
                self.error(UdfErrorKind::Arguments, message)
            })?;
        self.arguments = flat;
        self.packed = args.to_vec();
        Ok(())
    }

    /// Runs the open function on one record.
    fn one(&mut self, record: &mut RecordContext, scope: &Scope, budget: &Budget) -> UdfResult {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.module)?,
        };
        let Some(call) = live.call else {
            return Err(not_found());
        };
        let limits = &self.module.limits;
        let state = live.store.data_mut();
        state.set_now(scope.now);
        state.begin(limits, budget);
        if !Arc::ptr_eq(&state.hand.scope.sets, &scope.sets) || state.hand.scope.now != scope.now {
            state.hand.scope = scope.clone();
        }
        state.hand.take_up(record);
        self.module.shared.ticker.keep_ticking();
        live.store.set_epoch_deadline(1);
        let parameters = (self.function as u32, self.arguments.clone());
        let returned = call.call(&mut live.store, parameters);
        let state = live.store.data_mut();
        state.end();
        state.hand.lay_down(record);
        let file = &self.module.file;
        let returned = match returned {
            Ok((returned,)) => returned,
            Err(e) => return Err(failure(&e, live.store.data(), limits, file)),
        };
        if self.module.isolation == Isolation::Shared {
            self.live = Some(live);
        }
        let value =
            values::value(returned.map_err(|refused| refused.error(file))?).map_err(|why| {
                let message = format!("the result is not a value: {why}");
                self.error(UdfErrorKind::Result, message)
            })?;
        match value.heap_bytes() {
            size if size > limits.result_bytes => Err(too_big(size, limits.result_bytes, file)),
            _ => Ok(value),
        }
    }

    fn error(&self, kind: UdfErrorKind, message: String) -> UdfError {
        UdfError {
            module: self.module.file.to_string(),
            ..UdfError::new(kind, message)
        }
    }
}

#[cold]
fn not_found() -> UdfError {
    UdfError::new(UdfErrorKind::FunctionNotFound, "function not found")
}

impl Instance for PortableInstance {
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        let functions = &self.module.functions;
        let is = |f: &Function| f.info.name == function;
        if !functions.get(self.function).is_some_and(is) {
            self.function = functions.iter().position(is).ok_or_else(not_found)?;
        }
        self.take(args)?;
        let function = &self.module.functions[self.function];
        let given = self.arguments.len();
        match function.info.arguments {
            Some(n) if n != given => {
                let plural = if n == 1 { "" } else { "s" };
                let message = format!(
                    "{} takes {n} argument{plural}, {given} given",
                    function.info
                );
                Err(self.error(UdfErrorKind::Arguments, message))
            }
            _ => Ok(self),
        }
    }

    fn memory(&self) -> usize {
        let of = |live: &Live| live.store.data().memory;
        self.live.as_ref().map_or(0, of)
    }
}

impl Invoker for PortableInstance {
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    ) {
        for record in batch {
            let result = if budget.is_cancelled() {
                let message = "the task was aborted";
                Err(UdfError::new(UdfErrorKind::Cancelled, message))
            } else {
                self.one(record, scope, budget)
            };
            if result.is_err() {
                record.reset();
            }
            results.push(result);
        }
    }
}
