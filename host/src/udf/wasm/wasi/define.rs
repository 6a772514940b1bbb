//! How the interfaces are defined.

use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};

use super::super::state::State;

/// The version that the interfaces have here; what was built for another 0.2 finds them too.
const VERSION: &str = "0.2.0";

/// An interface of WASI to be filled.
pub(super) fn interface<'a>(
    linker: &'a mut Linker<State>,
    name: &str,
) -> wasmtime::Result<LinkerInstance<'a, State>> {
    linker.instance(&format!("{name}@{VERSION}"))
}

/// Defines a resource whose values are `T`s of the instance.
pub(super) fn resource<T: Send + 'static>(
    interface: &mut LinkerInstance<'_, State>,
    name: &str,
) -> wasmtime::Result<()> {
    interface.resource(name, ResourceType::host::<T>(), |mut store, at| {
        let resource = Resource::<T>::new_own(at);
        store.data_mut().wasi()?.resources.delete(resource)?;
        Ok(())
    })
}
