//! A compiled component.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::engine::Shared;
use super::state::State;
use crate::model::Limits;
use crate::udf::FunctionInfo;
use crate::udf::log::Log;

/// A function, as the component describes it.
pub(super) struct Function {
    pub(super) info: FunctionInfo,
    pub(super) bins: Option<Box<[Box<[u8]>]>>,
}

/// What is compiled, checked and ready to be instantiated.
pub(super) struct Compiled {
    pub(super) shared: Arc<Shared>,
    pub(super) file: Arc<str>,
    pub(super) log: Arc<Log>,
    pub(super) limits: Limits,
    pub(super) pre: InstancePre<State>,
    pub(super) run: ComponentExportIndex,
    /// Numbered as the component numbers them.
    pub(super) functions: Vec<Function>,
}
