//! A component instance that runs.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Instance, TypedFunc};

use super::compiled::Compiled;
use super::failure::failure;
use super::record_functions::Call;
use super::state::State;
use crate::udf::UdfError;

/// `functions.run`.
pub(super) type Run = TypedFunc<(u32, Arc<Vec<u8>>), ()>;

/// An instance that was not ended by a trap.
pub(super) struct Live {
    pub(super) store: Store<State>,
    /// `None` for a component without functions.
    pub(super) run: Option<Run>,
    /// `None` for a component of another world than `portable`.
    pub(super) call: Option<Call>,
    pub(super) instance: Instance,
}

impl Live {
    /// A fresh instance.
    ///
    /// # Errors
    /// When there is no memory for it, or the component's own start code fails.
    pub(super) fn start(module: &Compiled) -> Result<Self, UdfError> {
        let mut store = module.store();
        module.shared.ticker.keep_ticking();
        let started = module.pre.instantiate(&mut store).and_then(|instance| {
            let find = |run| instance.get_typed_func(&mut store, run);
            let run = module.run.map(find).transpose()?;
            let find = |call| instance.get_typed_func(&mut store, call);
            let call = module.call.map(find).transpose()?;
            Ok((instance, run, call))
        });
        store.data_mut().end();
        match started {
            Ok((instance, run, call)) => Ok(Self {
                store,
                run,
                call,
                instance,
            }),
            Err(e) => {
                let mut error = failure(&e, store.data(), &module.limits, &module.file);
                error.message = format!("the module cannot be started: {}", error.message);
                Err(error)
            }
        }
    }
}
