//! A component that was registered.

use std::sync::Arc;

use super::compiled::Compiled;
use super::instance::WasmInstance;
use super::live::Live;
use super::portable::PortableInstance;
use crate::udf::{FunctionInfo, Instance, Module, UdfError};

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
            .chain(self.compiled.aggregations())
            .map(|f| f.info.clone())
            .collect()
    }

    fn built_with(&self) -> Option<&str> {
        self.compiled.built_with.as_deref()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        let live = Live::start(&self.compiled)?;
        let module = self.compiled.clone();
        Ok(match module.call {
            Some(_) => Box::new(PortableInstance::new(module, live)),
            None => Box::new(WasmInstance::new(module, live)),
        })
    }
}
