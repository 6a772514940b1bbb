//! The Wasm runtime, as a registry knows it.

use std::sync::Arc;

use super::cache::CodeCache;
use super::engine::Shared;
use super::{compile, module::WasmModule};
use crate::model::{Error, Result, ResultCode};
use crate::udf::{Allowance, CompileError, Module, ModuleSource, Runtime};

/// The most stack that a function may have: half of what threads have by default.
const MAX_STACK: usize = 1 << 20;

/// Compiles and runs components of the world `petrel:udf/udf`.
#[derive(Clone)]
pub struct WasmRuntime {
    shared: Arc<Shared>,
}

impl WasmRuntime {
    /// A runtime with an engine of its own, whose functions may use `stack_bytes` of stack each
    /// (at most 1 MiB, as the calling threads' own stack must hold it). It reserves address space for
    /// `instances` instances, and more cannot live at once;
    /// where there is too little, it allocates them one by one instead, which is slower.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when the stack is too large, [`ResultCode::ServerError`] when the
    /// engine or its ticker thread cannot be started.
    pub fn new(stack_bytes: usize, instances: usize) -> Result<Self> {
        Self::with_cache(stack_bytes, instances, None)
    }

    /// As [`WasmRuntime::new`], with compiled code kept in a cache if there is one.
    ///
    /// # Errors
    /// As [`WasmRuntime::new`].
    pub fn with_cache(
        stack_bytes: usize,
        instances: usize,
        cache: Option<CodeCache>,
    ) -> Result<Self> {
        let instances = u32::try_from(instances).unwrap_or(u32::MAX / 4);
        if !(1..=MAX_STACK).contains(&stack_bytes) {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!("stack-bytes is {stack_bytes}; it can be 1 to {MAX_STACK}"),
            ));
        }
        Ok(Self {
            shared: Arc::new(Shared::start(stack_bytes, instances, cache)?),
        })
    }
}

impl Runtime for WasmRuntime {
    fn name(&self) -> &'static str {
        "WASM"
    }

    /// Whatever says that it is WebAssembly; compiling tells a component from the rest.
    fn accepts(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(b"\0asm")
    }

    fn compile(
        &self,
        source: ModuleSource,
        allowance: &Allowance,
    ) -> Result<Arc<dyn Module>, CompileError> {
        let module =
            compile::compile(&self.shared, &source, allowance).map_err(|message| CompileError {
                file: source.file.clone(),
                line: 0,
                message,
            })?;
        Ok(Arc::new(WasmModule::new(module)))
    }
}
