//! The contract that Lua and Wasm both fulfil: register, execute, wait.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;

use super::{CompileError, UdfError};
use crate::change::{RecordContext, Scope};
use crate::model::{Limits, Value};

/// Which runtime a module runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// Lua 5.4 source.
    Lua,
    /// A WebAssembly component.
    Wasm,
}

impl RuntimeKind {
    /// The name that `udf-list` and people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lua => "LUA",
            Self::Wasm => "WASM",
        }
    }
}

/// A module as it was registered.
#[derive(Clone, Debug)]
pub struct ModuleSource {
    /// File name with extension, as registered: `my_module.lua`.
    pub file: String,
    /// File name without extension: what a call names.
    pub package: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// Finds the source of another registered module, for Lua's `require`.
pub trait Sources: Send + Sync {
    /// The source of a package, if it is registered.
    fn source(&self, package: &str) -> Option<ModuleSource>;
}

/// What a module offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The name a call uses.
    pub name: String,
    /// How many arguments it takes beside the record, where the module says so.
    pub arguments: Option<usize>,
}

/// A way to run modules.
pub trait Runtime: Send + Sync + 'static {
    /// Which.
    fn kind(&self) -> RuntimeKind;

    /// Compiles and checks a module. May take seconds: call it off the network threads.
    ///
    /// # Errors
    /// [`CompileError`], with file and line where there is one.
    fn compile(
        &self,
        source: ModuleSource,
        limits: &Limits,
    ) -> Result<Arc<dyn Module>, CompileError>;
}

/// A compiled module, shared by all that run it.
pub trait Module: Send + Sync + 'static {
    /// The functions it exports.
    fn functions(&self) -> Vec<FunctionInfo>;

    /// A fresh instance: one Lua state or one Wasm instance, for one worker at a time.
    ///
    /// # Errors
    /// [`UdfError`] when the instance cannot be made (memory, or the module's own start code fails).
    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError>;
}

/// What one call says, the same for every record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The arguments beside the record: a packed list.
    pub args: &'a [u8],
    /// Where the records live.
    pub scope: &'a Scope,
    /// The limits of each invocation.
    pub limits: &'a Limits,
    /// Set when the task is aborted: the runtime ends running code soon after.
    pub cancelled: &'a AtomicBool,
}

/// What an invocation gave back.
pub type UdfResult = Result<Value, UdfError>;

/// One Lua state or Wasm instance.
pub trait Instance: Send {
    /// Runs the function over each record of the batch, in order, pushing one result per
    /// record. A failure is that record's alone: the effects in its context are
    /// discarded by the caller, the other records' stand.
    ///
    /// The instance stays usable after any failure (it renews itself where it must).
    fn run(&mut self, call: &Call<'_>, batch: &mut [RecordContext], results: &mut Vec<UdfResult>);
}
