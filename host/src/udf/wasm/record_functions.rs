//! What a component of the world `portable` offers, as `wit/portable.wit` has it.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentType, Instance, Lift, TypedFunc};

use super::calls::Answer;
use super::compiled::Function;
use super::signatures::Argument;
use super::state::State;
use super::values::Node;
use crate::udf::{FunctionInfo, Parameter};

/// `record-functions.call`.
pub(super) type Call = TypedFunc<(u32, Arc<[Vec<Node>]>), Answer<Vec<Node>>>;

/// A `function-info`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Described {
    name: String,
    doc: String,
    parameters: Option<Vec<Argument>>,
}

/// Asks an instance for its functions.
pub(super) fn describe(
    store: &mut Store<State>,
    instance: &Instance,
    describe: ComponentExportIndex,
) -> wasmtime::Result<Vec<Function>> {
    let describe = instance.get_typed_func::<(), (Vec<Described>,)>(&mut *store, describe)?;
    let (described,) = describe.call(&mut *store, ())?;
    Ok(described.into_iter().map(function).collect())
}

fn function(described: Described) -> Function {
    let parameters = described.parameters;
    Function {
        info: FunctionInfo {
            name: described.name,
            arguments: parameters.as_ref().map(Vec::len),
            doc: described.doc,
            parameters: parameters.map(|all| all.into_iter().map(Parameter::from).collect()),
            ..FunctionInfo::default()
        },
        bins: None,
    }
}
