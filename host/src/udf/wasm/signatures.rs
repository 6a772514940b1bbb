//! What a component says to people about what it offers: the interface `signatures` of
//! `wit/petrel-udf.wit`.

use std::collections::HashMap;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentType, Instance, Lift};

use super::state::State;
use crate::udf::{FunctionInfo, Parameter};

/// The exports of the interface.
pub(super) struct Signatures {
    pub(super) describe: ComponentExportIndex,
    pub(super) built_with: ComponentExportIndex,
}

/// A `parameter`, in either world.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Argument {
    name: String,
    #[component(name = "type")]
    ty: String,
}

impl From<Argument> for Parameter {
    fn from(Argument { name, ty }: Argument) -> Self {
        Self { name, ty: Some(ty) }
    }
}

/// A `signature`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Signature {
    name: String,
    aggregation: bool,
    doc: String,
    parameters: Vec<Argument>,
    returns: String,
    writes: Option<Vec<String>>,
}

/// An `sdk`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Sdk {
    name: String,
    version: String,
}

/// All that a component says.
pub(super) struct Said {
    /// By name, and by whether it is of an aggregation.
    signatures: HashMap<(String, bool), Signature>,
    /// Name and version of the SDK.
    pub(super) built_with: String,
}

impl Signatures {
    /// Asks an instance.
    pub(super) fn ask(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<Said> {
        let describe =
            instance.get_typed_func::<(), (Vec<Signature>,)>(&mut *store, self.describe)?;
        let built_with = instance.get_typed_func::<(), (Sdk,)>(&mut *store, self.built_with)?;
        let (signatures,) = describe.call(&mut *store, ())?;
        let (sdk,) = built_with.call(&mut *store, ())?;
        let keyed = |s: Signature| ((s.name.clone(), s.aggregation), s);
        Ok(Said {
            signatures: signatures.into_iter().map(keyed).collect(),
            built_with: format!("{} {}", sdk.name, sdk.version),
        })
    }
}

impl Said {
    /// Adds what is said of a function or an aggregation to what is known of it. What is said of
    /// others is left: they cannot be called.
    pub(super) fn add_to(&mut self, info: &mut FunctionInfo) {
        let key = (info.name.clone(), info.aggregation);
        let Some(signature) = self.signatures.remove(&key) else {
            return;
        };
        info.doc = signature.doc;
        info.parameters = Some(
            signature
                .parameters
                .into_iter()
                .map(Parameter::from)
                .collect(),
        );
        info.returns = Some(signature.returns);
        info.writes = signature.writes;
    }
}
