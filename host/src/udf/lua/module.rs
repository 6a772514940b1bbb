//! A module as it was registered, from which states are made.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::describe::describe;
use super::failure::split_place;
use super::state::{LoadError, State};
use crate::model::{Isolation, Limits};
use crate::udf::log::Log;
use crate::udf::{
    Allowance, CompileError, FunctionInfo, ModuleSource, Sources, UdfError, UdfErrorKind,
};

/// A module's source, and what its states need.
pub(super) struct LuaModule {
    source: ModuleSource,
    sources: Arc<dyn Sources>,
    log: Arc<Log>,
    allowance: Allowance,
    functions: Vec<FunctionInfo>,
    /// The state that the module was checked in, for the first instance.
    spare: Mutex<Option<State>>,
}

impl LuaModule {
    /// Loads a module for the first time.
    ///
    /// # Errors
    /// [`CompileError`] when its text is not Lua, or its own statements fail.
    pub(super) fn new(
        source: ModuleSource,
        sources: Arc<dyn Sources>,
        allowance: Allowance,
    ) -> Result<Self, CompileError> {
        let mut module = Self {
            log: Log::new(&source.file, &allowance.limits),
            source,
            sources,
            allowance,
            functions: Vec::new(),
            spare: Mutex::new(None),
        };
        match module.load(None) {
            Ok(state) => {
                module.functions = describe(&state, &module.source).map_err(|e| CompileError {
                    file: module.file().to_owned(),
                    line: 0,
                    message: e.to_string(),
                })?;
                module.spare = Mutex::new(Some(state));
                Ok(module)
            }
            Err(LoadError::Compile(e)) => Err(e),
            Err(LoadError::Run(e)) => Err(module.refusal(e)),
        }
    }

    /// What was registered.
    pub(super) fn source(&self) -> &ModuleSource {
        &self.source
    }

    /// The file name.
    pub(super) fn file(&self) -> &str {
        &self.source.file
    }

    /// The limits of its invocations.
    pub(super) fn limits(&self) -> &Limits {
        &self.allowance.limits
    }

    /// Whether each invocation has a state of its own.
    pub(super) fn is_isolated(&self) -> bool {
        self.allowance.isolation == Isolation::Call
    }

    /// The functions that it offers.
    pub(super) fn functions(&self) -> &[FunctionInfo] {
        &self.functions
    }

    /// A state with the module in it, made within the patience of the caller if there is one.
    ///
    /// # Errors
    /// [`UdfError`] when the module's own statements fail.
    pub(super) fn state(&self, patience: Option<Duration>) -> Result<State, UdfError> {
        let spare = self.spare.lock().take();
        if let Some(state) = spare.filter(|state| !state.is_outdated()) {
            return Ok(state);
        }
        self.load(patience).map_err(|e| match e {
            LoadError::Run(e) => e,
            LoadError::Compile(e) => UdfError::new(UdfErrorKind::Host, e.to_string()),
        })
    }

    fn load(&self, patience: Option<Duration>) -> Result<State, LoadError> {
        let (source, sources, allowance) = (&self.source, &self.sources, &self.allowance);
        State::load(source, sources, &self.log, allowance, patience)
    }

    /// Why the module is refused when its own statements failed.
    fn refusal(&self, e: UdfError) -> CompileError {
        let (line, message) = match split_place(&e.message, self.file()) {
            Some((line, message)) => (line, message.to_owned()),
            None => (0, e.message),
        };
        let message = match e.kind {
            UdfErrorKind::Timeout => format!(
                "the module's own statements ran past the time limit of {} ms (time-ms)",
                self.limits().time_ms
            ),
            UdfErrorKind::Memory => format!(
                "the module's own statements need more memory than the limit of {} bytes (memory-bytes)",
                self.limits().memory_bytes
            ),
            _ => message,
        };
        CompileError {
            file: self.file().to_owned(),
            line,
            message,
        }
    }
}
