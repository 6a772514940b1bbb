//! A compiled component.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::engine::Shared;
use super::state::State;
use super::wasi_state::Outside;
use crate::model::{Isolation, Limits};
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
    pub(super) isolation: Isolation,
    pub(super) pre: InstancePre<State>,
    /// What it finds of the outside; `None` for a component that imports no WASI.
    pub(super) outside: Option<Arc<Outside>>,
    /// `None` for a component of aggregations alone.
    pub(super) run: Option<ComponentExportIndex>,
    /// `None` for a component of another world than `portable`.
    pub(super) call: Option<ComponentExportIndex>,
    /// Numbered as the component numbers them.
    pub(super) functions: Vec<Function>,
    /// `None` for a component of functions alone.
    pub(super) aggregations: Option<Aggregations>,
    /// What it was built with, if it says so.
    pub(super) built_with: Option<String>,
}

impl Compiled {
    /// A store for an instance.
    pub(super) fn store(&self) -> Store<State> {
        let state = State::new(self.log.clone(), &self.limits, self.outside.as_ref());
        state.into_store(&self.shared.engine, &self.shared.ticker)
    }

    /// The aggregations.
    pub(super) fn aggregations(&self) -> &[Function] {
        self.aggregations.as_ref().map_or(&[], |a| &a.described)
    }
}
