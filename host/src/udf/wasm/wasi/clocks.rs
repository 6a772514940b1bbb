//! `wasi:clocks`: the wall clock stands at the time of the batch, the monotonic clock does not move,
//! and waiting for it ends at once.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, Resource};

use super::super::state::State;
use super::define::interface;
use super::io::Pollable;

/// A `datetime`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(super) struct DateTime {
    /// Since the Unix epoch.
    pub(super) seconds: u64,
    pub(super) nanoseconds: u32,
}

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut wall = interface(linker, "wasi:clocks/wall-clock")?;
    wall.func_wrap("now", |mut store: StoreContextMut<'_, State>, ()| {
        let seconds = store.data_mut().wasi()?.unix_now();
        Ok((DateTime {
            seconds,
            nanoseconds: 0,
        },))
    })?;
    wall.func_wrap("resolution", |_, ()| {
        Ok((DateTime {
            seconds: 1,
            nanoseconds: 0,
        },))
    })?;

    let mut monotonic = interface(linker, "wasi:clocks/monotonic-clock")?;
    monotonic.func_wrap("now", |_, ()| Ok((0u64,)))?;
    monotonic.func_wrap("resolution", |_, ()| Ok((1u64,)))?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        monotonic.func_wrap(name, |store, (_when,): (u64,)| wait(store))?;
    }
    Ok(())
}

fn wait(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((store.data_mut().wasi()?.resources.push(Pollable)?,))
}
