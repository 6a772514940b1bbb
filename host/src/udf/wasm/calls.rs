//! The calls of `aggregations`, as `wit/petrel-udf.wit` has them.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{ComponentType, Instance, Lift, TypedFunc};

use super::compiled::Aggregations;
use super::state::State;
use crate::udf::{UdfError, UdfErrorKind};

/// What a call returns.
pub(super) type Answer<T> = (Result<T, Refused>,);

/// A `value`: its particle type and its particle.
pub(super) type Packed = (u8, Vec<u8>);

/// An `error`.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Refused {
    #[component(name = "failed")]
    Failed(String),
    #[component(name = "arguments")]
    Arguments(String),
}

impl Refused {
    /// As its caller sees it.
    #[cold]
    pub(super) fn error(self, module: &str) -> UdfError {
        let (kind, message) = match self {
            Self::Failed(message) => (UdfErrorKind::Thrown, message),
            Self::Arguments(message) => (UdfErrorKind::Arguments, message),
        };
        UdfError {
            module: module.into(),
            ..UdfError::new(kind, message)
        }
    }
}

/// A value as `merge` takes it: its particle's type and bytes.
type Particle = (u8, Arc<[u8]>);

/// The calls of one instance.
pub(super) struct Calls {
    pub(super) begin: TypedFunc<(u32, Arc<[u8]>), Answer<()>>,
    pub(super) fold: TypedFunc<(Arc<Vec<u8>>,), Answer<()>>,
    pub(super) take: TypedFunc<(), Answer<Packed>>,
    pub(super) merge: TypedFunc<(Particle,), Answer<()>>,
    pub(super) finish: TypedFunc<(), Answer<Packed>>,
}

impl Calls {
    /// Finds the calls, and checks their types.
    pub(super) fn find(
        store: &mut Store<State>,
        instance: &Instance,
        exports: &Aggregations,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            begin: instance.get_typed_func(&mut *store, exports.begin)?,
            fold: instance.get_typed_func(&mut *store, exports.fold)?,
            take: instance.get_typed_func(&mut *store, exports.take)?,
            merge: instance.get_typed_func(&mut *store, exports.merge)?,
            finish: instance.get_typed_func(&mut *store, exports.finish)?,
        })
    }
}
