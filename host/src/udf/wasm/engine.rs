//! The engine and its settings.

use std::sync::Arc;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::Linker,
};

use super::cache::CodeCache;
use super::state::{self, State, TABLE_ELEMENTS};
use super::this_record;
use super::ticker::Ticker;
use super::wasi;
use crate::model::{Error, Result, ResultCode};

/// Bytes of a memory that are zeroed rather than given back when its instance ends.
const KEEP_RESIDENT: usize = 256 << 10;

/// The most core instances of a component: Python has 50 or so, one for each of its libraries.
const CORE_INSTANCES: u32 = 128;

/// What every module of the runtime shares.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) ticker: Arc<Ticker>,
    /// Where compiled code is kept, if it is.
    pub(super) cache: Option<CodeCache>,
}

impl Shared {
    /// Starts an engine with room for `instances` instances, whose functions may use `stack_bytes` of
    /// stack each. Where there is too little address space, instances are allocated one by one
    /// instead, which is slower.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when the engine or its ticker thread cannot be started.
    pub(super) fn start(
        stack_bytes: usize,
        instances: u32,
        cache: Option<CodeCache>,
    ) -> Result<Self> {
        let engine = match Engine::new(&config(Some(instances), stack_bytes)) {
            Ok(engine) => engine,
            Err(e) => {
                tracing::warn!("no address space for a pool of Wasm instances, going without: {e}");
                Engine::new(&config(None, stack_bytes)).map_err(|e| fatal("the Wasm engine", &e))?
            }
        };
        let ticker =
            Ticker::start(engine.clone()).map_err(|e| fatal("the Wasm ticker thread", &e))?;
        let mut linker = Linker::new(&engine);
        state::add(&mut linker)
            .and_then(|()| wasi::add(&mut linker))
            .and_then(|()| this_record::add(&mut linker))
            .map_err(|e| fatal("the Wasm linker", &e))?;
        Ok(Self {
            engine,
            linker,
            ticker: Arc::new(ticker),
            cache,
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
            // A count reserves nothing.
            .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
            .total_memories(instances)
            .total_tables(instances.saturating_mul(2))
            // The limiter sets the real limit, per module.
            .max_memory_size(4 << 30)
            .table_elements(TABLE_ELEMENTS)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_RESIDENT);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
