//! User-defined functions: the contract of a runtime, the record as a function sees it, and
//! the registry of modules.

mod directory;
mod error;
pub mod log;
pub mod lua;
mod record;
mod registry;
mod runtime;
pub mod wasm;

#[cfg(test)]
mod tests;

pub use error::{CompileError, UdfError, UdfErrorKind};
pub use record::{Effects, RecordContext, Scope};
pub use registry::{LimitsByModule, ModuleInfo, Modules, Registered, Registry, package_of};
pub use runtime::{
    Call, FunctionInfo, Instance, Module, ModuleSource, Runtime, RuntimeKind, Sources, UdfResult,
};
