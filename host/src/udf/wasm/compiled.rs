//! A compiled component.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::engine::Shared;
use super::state::State;
use crate::model::Limits;
use crate::udf::FunctionInfo;
use crate::udf::log::Log;

/// A function or an aggregation, as the component describes it.
pub(super) struct Function {
    pub(super) info: FunctionInfo,
    pub(super) bins: Option<Box<[Box<[u8]>]>>,
}

/// What a component with aggregations exports for them.
pub(super) struct Aggregations {
    pub(super) begin: ComponentExportIndex,
    pub(super) fold: ComponentExportIndex,
    pub(super) take: ComponentExportIndex,
    pub(super) merge: ComponentExportIndex,
    pub(super) finish: ComponentExportIndex,
    /// Numbered as the component numbers them.
    pub(super) described: Vec<Function>,
}

/// What is compiled, checked and ready to be instantiated.
pub(super) struct Compiled {
    pub(super) shared: Arc<Shared>,
    pub(super) file: Arc<str>,
    pub(super) log: Arc<Log>,
    pub(super) limits: Limits,
    pub(super) pre: InstancePre<State>,
    /// Whether it imports WASI.
    pub(super) wasi: bool,
    /// `None` for a component of aggregations alone.
    pub(super) run: Option<ComponentExportIndex>,
    /// Numbered as the component numbers them.
    pub(super) functions: Vec<Function>,
    /// `None` for a component of functions alone.
    pub(super) aggregations: Option<Aggregations>,
    /// What it was built with, if it says so.
    pub(super) built_with: Option<String>,
}

impl Compiled {
    /// The aggregations.
    pub(super) fn aggregations(&self) -> &[Function] {
        self.aggregations.as_ref().map_or(&[], |a| &a.described)
    }
}
