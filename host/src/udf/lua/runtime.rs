//! The Lua runtime and its modules.

use std::sync::Arc;

use parking_lot::Mutex;

use super::instance::LuaInstance;
use super::state::{LoadError, State, split_place};
use crate::model::Limits;
use crate::udf::log::{Log, LogLimits};
use crate::udf::{
    CompileError, FunctionInfo, Instance, Module, ModuleSource, Runtime, Sources, UdfError,
    UdfErrorKind,
};

/// Runs Lua 5.4 modules.
pub struct LuaRuntime {
    sources: Arc<dyn Sources>,
}

impl LuaRuntime {
    /// A runtime whose modules can `require` what `sources` finds.
    pub fn new(sources: Arc<dyn Sources>) -> Self {
        Self { sources }
    }
}

impl Runtime for LuaRuntime {
    fn name(&self) -> &'static str {
        "LUA"
    }

    /// Whatever may be text; compiling tells what is wrong with it.
    fn accepts(&self, bytes: &[u8]) -> bool {
        bytes.first() != Some(&0)
    }

    fn compile(
        &self,
        source: ModuleSource,
        limits: &Limits,
    ) -> Result<Arc<dyn Module>, CompileError> {
        let file = source.file.clone();
        let mut module = LuaModule {
            log: Log::new(&source.file, LogLimits::default()),
            source,
            sources: Arc::clone(&self.sources),
            limits: limits.clone(),
            names: Vec::new(),
            spare: Mutex::new(None),
        };
        match module.load() {
            Ok(state) => {
                module.names = state.names().to_vec();
                module.spare = Mutex::new(Some(state));
            }
            Err(LoadError::Compile(e)) => return Err(e),
            Err(LoadError::Run(e)) => return Err(refusal(file, e, limits)),
        }
        Ok(Arc::new(Handle(Arc::new(module))))
    }
}

/// Why a module whose own statements failed is refused.
fn refusal(file: String, e: UdfError, limits: &Limits) -> CompileError {
    let (line, message) = match split_place(&e.message, &file) {
        Some((line, message)) => (line, message.to_owned()),
        None => (0, e.message),
    };
    let message = match e.kind {
        UdfErrorKind::Timeout => format!(
            "the module's own statements ran past the time limit of {} ms (time-ms)",
            limits.time_ms
        ),
        UdfErrorKind::Memory => format!(
            "the module's own statements need more memory than the limit of {} bytes (memory-bytes)",
            limits.memory_bytes
        ),
        _ => message,
    };
    CompileError {
        file,
        line,
        message,
    }
}

/// A module's source, and how to load it.
pub(super) struct LuaModule {
    source: ModuleSource,
    sources: Arc<dyn Sources>,
    log: Arc<Log>,
    pub(super) limits: Limits,
    names: Vec<String>,
    /// The state that the module was checked in, for the first instance.
    spare: Mutex<Option<State>>,
}

impl LuaModule {
    /// The file name.
    pub(super) fn file(&self) -> &str {
        &self.source.file
    }

    /// A state with the module in it.
    pub(super) fn load(&self) -> Result<State, LoadError> {
        State::load(&self.source, &self.sources, &self.log, &self.limits)
    }
}

/// What a registry holds; instances share the module behind it.
struct Handle(Arc<LuaModule>);

impl Module for Handle {
    fn functions(&self) -> Vec<FunctionInfo> {
        let info = |name: &String| FunctionInfo {
            name: name.clone(),
            arguments: None,
        };
        self.0.names.iter().map(info).collect()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        let spare = self.0.spare.lock().take();
        let state = match spare {
            Some(state) => state,
            None => self.0.load().map_err(|e| match e {
                LoadError::Run(e) => e,
                LoadError::Compile(e) => UdfError::new(UdfErrorKind::Host, e.to_string()),
            })?,
        };
        Ok(Box::new(LuaInstance::new(Arc::clone(&self.0), state)))
    }
}
