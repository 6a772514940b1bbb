//! The engine and its settings.

use std::sync::Arc;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::Linker,
};

use super::state::{self, State};
use super::ticker::Ticker;
use super::{compile, module::WasmModule};
use crate::model::{Error, Limits, Result, ResultCode};
use crate::udf::{CompileError, Module, ModuleSource, Runtime};

/// The most stack that a function may have: half of what threads have by default.
const MAX_STACK: usize = 1 << 20;

/// Bytes of a memory that are zeroed rather than given back when its instance ends.
const KEEP_RESIDENT: usize = 256 << 10;

/// What every module of the runtime shares.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) ticker: Ticker,
}

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
        let instances = u32::try_from(instances).unwrap_or(u32::MAX / 4);
        if !(1..=MAX_STACK).contains(&stack_bytes) {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!("stack-bytes is {stack_bytes}; it can be 1 to {MAX_STACK}"),
            ));
        }
        let engine = match Engine::new(&config(Some(instances), stack_bytes)) {
            Ok(engine) => engine,
            Err(e) => {
                tracing::warn!("no address space for a pool of Wasm instances, going without: {e}");
                Engine::new(&config(None, stack_bytes)).map_err(|e| fatal("the Wasm engine", &e))?
            }
        };
        let ticker =
            Ticker::start(engine.clone()).map_err(|e| fatal("the Wasm ticker thread", &e))?;
        let linker = state::linker(&engine).map_err(|e| fatal("the Wasm linker", &e))?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                linker,
                ticker,
            }),
        })
    }
}

fn fatal(what: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::new(
        ResultCode::ServerError,
        format!("{what} cannot be started: {cause}"),
    )
}

fn config(pooled: Option<u32>, stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(stack_bytes)
        // Nothing here is async; without it a call keeps no task state.
        .concurrency_support(false)
        // Memories stay where they were reserved, so compiled code keeps their address and
        // the guard pages stand in for bounds checks.
        .memory_may_move(false);
    if let Some(instances) = pooled {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(instances.saturating_mul(4))
            .total_memories(instances)
            .total_tables(instances.saturating_mul(2))
            // The limiter sets the real limit, per module.
            .max_memory_size(4 << 30)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_RESIDENT);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
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
        limits: &Limits,
    ) -> Result<Arc<dyn Module>, CompileError> {
        let module =
            compile::compile(&self.shared, &source, limits).map_err(|message| CompileError {
                file: source.file.clone(),
                line: 0,
                message,
            })?;
        Ok(Arc::new(WasmModule::new(module)))
    }
}
