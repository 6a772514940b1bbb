//! `wasi:clocks`: without a grant the wall clock stands at the time of the batch, the monotonic clock does
//! not move, and waiting for it ends at once.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, Resource};

use super::super::state::State;
use super::super::wasi_state::{Denial, Wasi};
use super::define::interface;
use super::io::Pollable;

/// A `datetime`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(super) struct DateTime {
    /// Since the Unix epoch.
    seconds: u64,
    nanoseconds: u32,
}

impl From<Duration> for DateTime {
    /// Of the time since the Unix epoch.
    fn from(since: Duration) -> Self {
        Self {
            seconds: since.as_secs(),
            nanoseconds: since.subsec_nanos(),
        }
    }
}

impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        time.duration_since(UNIX_EPOCH).unwrap_or_default().into()
    }
}

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut wall = interface(linker, "wasi:clocks/wall-clock")?;
    wall.func_wrap("now", |mut store: StoreContextMut<'_, State>, ()| {
        Ok((DateTime::from(store.data_mut().wasi()?.wall()),))
    })?;
    wall.func_wrap("resolution", |mut store: StoreContextMut<'_, State>, ()| {
        let granted = store.data_mut().wasi()?.outside.granted.grants.wall_clock;
        let resolution = match granted {
            true => Duration::from_nanos(1),
            false => Duration::from_secs(1),
        };
        Ok((DateTime::from(resolution),))
    })?;

    let mut monotonic = interface(linker, "wasi:clocks/monotonic-clock")?;
    monotonic.func_wrap("now", |mut store: StoreContextMut<'_, State>, ()| {
        Ok((now(store.data_mut().wasi()?),))
    })?;
    monotonic.func_wrap("resolution", |_, ()| Ok((1u64,)))?;
    monotonic.func_wrap("subscribe-instant", |store, (when,): (u64,)| {
        wait(store, |_| when)
    })?;
    monotonic.func_wrap("subscribe-duration", |store, (duration,): (u64,)| {
        wait(store, |now| now.saturating_add(duration))
    })
}

/// Where the monotonic clock begins.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// The monotonic clock, in nanoseconds.
fn now(wasi: &Wasi) -> u64 {
    if wasi.outside.granted.grants.monotonic_clock {
        return start().elapsed().as_nanos() as u64;
    }
    wasi.tell(Denial::MonotonicClock);
    0
}

/// What waits for a moment, which is told from the present one.
fn wait(
    mut store: StoreContextMut<'_, State>,
    moment: impl FnOnce(u64) -> u64,
) -> wasmtime::Result<(Resource<Pollable>,)> {
    let wasi = store.data_mut().wasi()?;
    let moment = Duration::from_nanos(moment(now(wasi)));
    let pollable = match start().checked_add(moment) {
        Some(then) if wasi.outside.granted.grants.monotonic_clock => Pollable::At(then),
        _ => Pollable::Ready,
    };
    Ok((wasi.resources.push(pollable)?,))
}
