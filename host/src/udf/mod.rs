//! User-defined functions: the contract of a runtime, the runtimes, and the registry of modules.

mod budget;
mod directory;
mod error;
mod function_info;
mod granted;
pub mod log;
#[cfg(feature = "lua")]
pub mod lua;
mod registry;
mod runtime;
#[cfg(feature = "wasm")]
pub mod wasm;

#[cfg(test)]
mod tests;

pub use budget::{Budget, Cancel};
pub use error::{CompileError, UdfError, UdfErrorKind};
pub use function_info::{FunctionInfo, Parameter};
pub use granted::{Allowance, GrantError, Granted, GrantedDirectory, Opening, open_file};
pub use registry::{
    LimitsByModule, ModuleInfo, Modules, Registered, Registry, Settings, package_of,
};
pub use runtime::{
    Aggregator, Instance, Invoker, Module, ModuleSource, Runtime, Sources, UdfResult,
};
