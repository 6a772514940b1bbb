//! What an instance's store holds, and what the host offers to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing::Level;
use wasmtime::component::{Linker, Val, WasmList};
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};

use super::ticker::{TICK, Ticker};
use super::wasi_state::Wasi;
use crate::model::{Body, Limits};
use crate::udf::log::Log;
use crate::udf::{Budget, Cancel};

/// The interface that a component may import.
const HOST: &str = "petrel:udf/host@0.2.2";

/// The most table elements that an instance may have.
pub(super) const TABLE_ELEMENTS: usize = 1 << 16;

/// Why the host ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Timeout,
    Overran,
    Cancelled,
    /// By itself, with a status.
    Exited(u8),
}

/// A bin that stayed with the host: number `bin` of record number `record`, as handed over.
pub(super) struct Stub {
    pub(super) record: u32,
    pub(super) bin: u32,
    pub(super) body: Body,
    /// Its number among all bins of the body.
    pub(super) at: usize,
}

/// The state of one instance.
pub(super) struct State {
    pub(super) log: Arc<Log>,
    memory_limit: usize,
    /// The time limit of the call.
    time: Duration,
    /// When the call has to end; set at its first tick, so that calls that end sooner read no clock.
    deadline: Option<Instant>,
    cancel: Option<Cancel>,
    /// How many more ticks the call may run for; each is of [`TICK`] at most.
    patience: Option<u128>,
    /// The memory that was asked for and refused, in bytes.
    pub(super) memory_refused: Option<usize>,
    pub(super) ended: Option<Ended>,
    pub(super) panic: Option<String>,
    pub(super) stubs: Vec<Stub>,
    /// What the call handed over.
    outcomes: Bytes,
    /// `None` for a component that imports no WASI.
    wasi: Option<Box<Wasi>>,
}

impl State {
    /// Of an instance whose component imports WASI, or does not.
    pub(super) fn new(log: Arc<Log>, limits: &Limits, wasi: bool) -> Self {
        Self {
            wasi: wasi.then(|| Box::new(Wasi::new(&log, limits.log_line_bytes))),
            log,
            memory_limit: limits.memory_bytes,
            time: limits.time(),
            deadline: None,
            cancel: None,
            patience: None,
            memory_refused: None,
            ended: None,
            panic: None,
            stubs: Vec::new(),
            outcomes: Bytes::new(),
        }
    }

    /// A store over the state, its epoch callback and limiter in place.
    pub(super) fn into_store(self, engine: &Engine, ticker: &Arc<Ticker>) -> Store<Self> {
        let mut store = Store::new(engine, self);
        store.limiter(|state| state);
        let ticker = ticker.clone();
        store.epoch_deadline_callback(move |mut context| {
            ticker.keep_ticking();
            Ok(context.data_mut().tick())
        });
        store.set_epoch_deadline(1);
        store
    }

    /// Arms the state for a call, until [`State::end`].
    pub(super) fn begin(&mut self, limits: &Limits, budget: &Budget) {
        self.time = limits.time();
        self.deadline = None;
        // The first tick may come at once.
        let ticks = |patience: Duration| patience.as_nanos().div_ceil(TICK.as_nanos());
        self.patience = budget.patience.map(ticks);
        self.cancel.clone_from(&budget.cancel);
        self.memory_refused = None;
        self.ended = None;
        self.panic = None;
    }

    /// Sets the wall clock that the component sees, in seconds since 2010-01-01 UTC.
    pub(super) fn set_now(&mut self, now: u32) {
        if let Some(wasi) = &mut self.wasi {
            wasi.set_now(now);
        }
    }

    /// What the instance has of WASI.
    ///
    /// # Errors
    /// Only when the component imports none, and then nobody asks.
    pub(super) fn wasi(&mut self) -> wasmtime::Result<&mut Wasi> {
        self.wasi
            .as_deref_mut()
            .ok_or_else(|| wasmtime::Error::msg("the component imports no WASI"))
    }

    /// Disarms the state, and gives the outcomes that the call handed over.
    pub(super) fn end(&mut self) -> Bytes {
        self.cancel = None;
        self.stubs.clear();
        if let Some(wasi) = &mut self.wasi {
            wasi.flush();
        }
        std::mem::take(&mut self.outcomes)
    }

    /// Decides whether the call goes on. Ticks come only while it runs, so that patience is not
    /// spent on waiting for a core.
    fn tick(&mut self) -> UpdateDeadline {
        let now = Instant::now();
        let deadline = *self
            .deadline
            .get_or_insert(now + self.time.saturating_sub(TICK));
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            self.ended = Some(Ended::Cancelled);
        } else if now >= deadline {
            self.ended = Some(Ended::Timeout);
        } else {
            match &mut self.patience {
                Some(0) => self.ended = Some(Ended::Overran),
                Some(ticks) => *ticks -= 1,
                None => {}
            }
        }
        match self.ended {
            Some(_) => UpdateDeadline::Interrupt,
            None => UpdateDeadline::Continue(1),
        }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.memory_limit && maximum.is_none_or(|max| desired <= max);
        if !granted {
            self.memory_refused = Some(desired);
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS && maximum.is_none_or(|max| desired <= max))
    }
}

/// Adds `petrel:udf/host` to what components are linked with.
pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut host = linker.instance(HOST)?;
    host.func_new("log", |store, _, arguments, _| {
        if let [Val::Enum(level), Val::String(message)] = arguments {
            let level = match level.as_str() {
                "trace" => Level::TRACE,
                "debug" => Level::DEBUG,
                "info" => Level::INFO,
                "warning" => Level::WARN,
                _ => Level::ERROR,
            };
            store.data().log.write(level, message.as_bytes());
        }
        Ok(())
    })?;
    host.func_wrap(
        "panicked",
        |mut store: StoreContextMut<'_, State>, (message,): (String,)| {
            store.data_mut().panic = Some(message);
            Ok(())
        },
    )?;
    host.func_wrap(
        "outcomes",
        |mut store: StoreContextMut<'_, State>, (outcomes,): (WasmList<u8>,)| {
            let outcomes = Bytes::copy_from_slice(outcomes.as_le_slice(&store));
            store.data_mut().outcomes = outcomes;
            Ok(())
        },
    )?;
    host.func_wrap(
        "fetch",
        |store: StoreContextMut<'_, State>, (record, bin): (u32, u32)| {
            Ok((fetch(store.data(), record, bin),))
        },
    )
}

fn fetch(state: &State, record: u32, bin: u32) -> Vec<u8> {
    state
        .stubs
        .iter()
        .find(|stub| stub.record == record && stub.bin == bin)
        .and_then(|stub| stub.body.bins().nth(stub.at))
        .map(|(_, particle)| particle.data.to_vec())
        .unwrap_or_default()
}
