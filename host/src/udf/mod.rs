//! User-defined functions: the contract of a runtime, the record as a function sees it, and
//! the registry of modules.

mod error;
pub mod lua;

mod registry;
mod runtime;
pub mod wasm;

pub use error::{CompileError, UdfError, UdfErrorKind};

pub use registry::{LimitsByModule, ModuleInfo, Modules, Registered, Registry, package_of};
pub use runtime::{
    Call, FunctionInfo, Instance, Module, ModuleSource, Runtime, RuntimeKind, Sources, UdfResult,
};
