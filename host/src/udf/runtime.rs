//! The contract that Lua and Wasm both fulfil: register, execute, wait.

use std::sync::Arc;

use bytes::Bytes;

use super::{Allowance, Budget, CompileError, FunctionInfo, UdfError, UdfErrorKind};
use crate::change::{RecordContext, Scope};
use crate::model::Value;

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

    /// Counts the changes: what was made of sources under an earlier epoch may be out of date.
    /// Cheap enough to ask before every call.
    fn epoch(&self) -> u64;
}

/// A way to run modules. The registry knows a runtime by its name and by what it accepts, so
/// that another one needs no change anywhere but where hosts are put together.
pub trait Runtime: Send + Sync + 'static {
    /// Its name, as `udf-list` and people use it: `LUA`.
    fn name(&self) -> &'static str;

    /// Whether the bytes are, or are meant to be, a module of this runtime. A registry asks its
    /// runtimes in order; the first that accepts compiles.
    fn accepts(&self, bytes: &[u8]) -> bool;

    /// Compiles and checks a module, whose invocations will have `allowance`. May take
    /// seconds: call it off the network threads.
    ///
    /// # Errors
    /// [`CompileError`], with file and line where there is one.
    fn compile(
        &self,
        source: ModuleSource,
        allowance: &Allowance,
    ) -> Result<Arc<dyn Module>, CompileError>;
}

/// A compiled module, shared by all that run it.
pub trait Module: Send + Sync + 'static {
    /// The functions it exports.
    fn functions(&self) -> Vec<FunctionInfo>;

    /// What it was built with, where it says so: `petrel-udf 0.1.0`.
    fn built_with(&self) -> Option<&str> {
        None
    }

    /// A fresh instance: one Lua state or one Wasm instance, for one worker at a time.
    ///
    /// # Errors
    /// [`UdfError`] when the instance cannot be made (memory, or the module's own start code fails).
    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError>;
}

/// One Lua state or Wasm instance.
pub trait Instance: Send {
    /// Opens a function with its arguments beside the record (a packed list), to be run over any
    /// number of batches. To open what was opened last costs a comparison.
    ///
    /// # Errors
    /// [`UdfErrorKind::FunctionNotFound`](super::UdfErrorKind::FunctionNotFound),
    /// [`UdfErrorKind::Arguments`](super::UdfErrorKind::Arguments).
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError>;

    /// Opens an aggregation with its arguments (a packed list) and an empty state. The state lives
    /// in the instance, so whoever aggregates keeps the instance to itself until it is done. A
    /// runtime without aggregations keeps the body that is here.
    ///
    /// # Errors
    /// [`UdfErrorKind::FunctionNotFound`](super::UdfErrorKind::FunctionNotFound),
    /// [`UdfErrorKind::Arguments`](super::UdfErrorKind::Arguments).
    fn aggregate(
        &mut self,
        _function: &str,
        _args: &[u8],
        _budget: &Budget,
    ) -> Result<&mut dyn Aggregator, UdfError> {
        Err(UdfError::new(
            UdfErrorKind::FunctionNotFound,
            "this module has no aggregations",
        ))
    }

    /// The memory that it holds now, in bytes: what [`Limits::memory_bytes`](crate::model::Limits::memory_bytes) bounds. 0 where the
    /// runtime does not tell.
    fn memory(&self) -> usize {
        0
    }

    /// The aggregation that was opened last, with its state as it stands.
    fn aggregator(&mut self) -> Option<&mut dyn Aggregator> {
        None
    }
}

/// What an invocation gave back.
pub type UdfResult = Result<Value, UdfError>;

/// An open function.
pub trait Invoker {
    /// Runs the function over each record of the batch, in order, pushing one result per
    /// record. A failure is that record's alone: the effects in its context are
    /// discarded by the caller, the other records' stand.
    ///
    /// The instance stays usable after any failure (it renews itself where it must).
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    );
}

/// An open aggregation: folds records into a state, merges the states of others, and ends in values.
/// Any failure ends the aggregation as a whole.
pub trait Aggregator {
    /// Folds each record of the batch into the state, in order. What the aggregation yields
    /// without a state (a stream that is only filtered and mapped) is appended to `values`.
    ///
    /// # Errors
    /// [`UdfError`], and the state is lost.
    fn fold(
        &mut self,
        batch: &mut [RecordContext],
        scope: &Scope,
        budget: &Budget,
        values: &mut Vec<Value>,
    ) -> Result<(), UdfError>;

    /// Takes the state out as partial values, for a client's last reduce or another instance's
    /// [`merge`](Self::merge), and leaves an empty one.
    ///
    /// # Errors
    /// [`UdfError`], and the state is lost.
    fn take(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError>;

    /// Merges partial values that another instance of the same aggregation yielded into the state.
    ///
    /// # Errors
    /// [`UdfError`], and the state is lost.
    fn merge(&mut self, partial: &[Value], budget: &Budget) -> Result<(), UdfError>;

    /// Does the last reduce: appends what the aggregation comes to, and leaves an empty state.
    ///
    /// # Errors
    /// [`UdfError`], and the state is lost.
    fn finish(&mut self, budget: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError>;
}
