//! A compiled component.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::instance::{Live, WasmInstance};
use super::runtime::Shared;
use super::state::State;
use crate::model::Limits;
use crate::udf::log::Log;
use crate::udf::{FunctionInfo, Instance, Module, UdfError};

/// A function, as the component describes it.
pub(super) struct Function {
    pub(super) info: FunctionInfo,
    pub(super) bins: Option<Box<[Box<[u8]>]>>,
}

/// What is compiled, checked and ready to be instantiated.
pub(super) struct Compiled {
    pub(super) shared: Arc<Shared>,
    pub(super) file: Arc<str>,
    pub(super) log: Arc<Log>,
    pub(super) limits: Limits,
    pub(super) pre: InstancePre<State>,
    pub(super) run: ComponentExportIndex,
    /// Numbered as the component numbers them.
    pub(super) functions: Vec<Function>,
}

/// A component that was registered.
pub(super) struct WasmModule {
    compiled: Arc<Compiled>,
}

impl WasmModule {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self {
            compiled: Arc::new(compiled),
        }
    }
}

impl Module for WasmModule {
    fn functions(&self) -> Vec<FunctionInfo> {
        self.compiled
            .functions
            .iter()
            .map(|f| f.info.clone())
            .collect()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        let live = Live::start(&self.compiled)?;
        Ok(Box::new(WasmInstance::new(self.compiled.clone(), live)))
    }
}
