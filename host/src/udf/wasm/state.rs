//! What an instance's store holds, and what the host offers to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing::Level;
use wasmtime::component::{Linker, Val, WasmList};
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};

use super::hand::Hand;
use super::ticker::{TICK, Ticker};
use super::wasi_state::{Outside, Wasi};
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

/// When a call has to end, by either clock.
struct Deadline {
    /// By the processor time of its thread: it does not pass while the thread waits for a core.
    cpu: Duration,
    /// By the wall clock, for a call that waits rather than runs.
    wall: Instant,
}

/// A call may take so many times its limit by the wall clock.
const WALL_TIMES: u32 = 4;

/// The processor time that this thread has used.
fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the time is written to a place of its own; a clock that is not there leaves it as it is.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
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
    /// The linear memory that the instance has, in bytes.
    pub(super) memory: usize,
    /// The time limit of the call.
    time: Duration,
    /// When the call has to end; set at its first tick, so that calls that end sooner read no clock.
    deadline: Option<Deadline>,
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
    /// The record of a call in the world `portable`.
    pub(super) hand: Hand,
    /// `None` for a component that imports no WASI.
    wasi: Option<Box<Wasi>>,
}

impl State {
    /// Of an instance whose component imports WASI, or does not.
    pub(super) fn new(log: Arc<Log>, limits: &Limits, outside: Option<&Arc<Outside>>) -> Self {
        Self {
            wasi: outside.map(|outside| Box::new(Wasi::new(outside))),
            log,
            memory_limit: limits.memory_bytes,
            memory: 0,
            time: limits.time(),
            deadline: None,
            cancel: None,
            patience: None,
            memory_refused: None,
            ended: None,
            panic: None,
            stubs: Vec::new(),
            outcomes: Bytes::new(),
            hand: Hand::new(),
        }
    }

    /// A store over the state, its epoch callback and limiter in place.
    pub(super) fn into_store(self, engine: &Engine, ticker: &Arc<Ticker>) -> Store<Self> {
        let handed_over = self.memory_limit.saturating_mul(2);
        let mut store = Store::new(engine, self);
        // The same bytes of a component can be handed over many times in one call.
        store.set_hostcall_fuel(handed_over);
        store.limiter(|state| state);
        let ticker = ticker.clone();
        store.epoch_deadline_callback(move |mut context| {
            ticker.keep_ticking();
            Ok(context.data_mut().tick())
        });
        store.set_epoch_deadline(1);
        store
    }

    /// The most memory that the instance may have, in bytes.
    pub(super) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    /// Ends the call for wanting so many bytes of memory.
    #[cold]
    pub(super) fn refuse_memory<T>(&mut self, wanted: usize) -> wasmtime::Result<T> {
        self.memory_refused = Some(wanted);
        Err(wasmtime::Error::msg("out of memory"))
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

    /// Waits until then, or until the call has to end.
    ///
    /// # Errors
    /// When the call has to end.
    pub(super) fn wait_until(&mut self, then: Instant) -> wasmtime::Result<()> {
        loop {
            let rest = then.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(());
            }
            if matches!(self.tick(), UpdateDeadline::Interrupt) {
                return Err(wasmtime::Error::msg("the function waited for too long"));
            }
            std::thread::sleep(rest.min(TICK));
        }
    }

    /// Decides whether the call goes on. Ticks come only while it runs, so that patience is not
    /// spent on waiting for a core.
    fn tick(&mut self) -> UpdateDeadline {
        let (now, cpu, time) = (Instant::now(), thread_time(), self.time);
        let deadline = self.deadline.get_or_insert_with(|| {
            let left = time.saturating_sub(TICK);
            Deadline {
                cpu: cpu + left,
                wall: now + left * WALL_TIMES,
            }
        });
        let is_over = cpu >= deadline.cpu || now >= deadline.wall;
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            self.ended = Some(Ended::Cancelled);
        } else if is_over {
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
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.memory_limit && maximum.is_none_or(|max| desired <= max);
        if granted {
            self.memory += desired.saturating_sub(current);
        } else {
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
