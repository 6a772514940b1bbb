//! The time of an invocation: when it has to end, and whether it has to.
//!
//! The thread that runs it, the watchdog, and the handler of the watchdog's signal all see this. The
//! handler interrupts its thread anywhere, so everything here is atomic.

use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use mlua::ffi::lua_State;
use parking_lot::Mutex;

use crate::udf::Budget;

/// How often the watchdog looks: an invocation is first interrupted after one to two of these.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);

/// What an invocation that seems to outrun its caller's patience may still run for: the thread may
/// have waited for a core meanwhile.
const A_LITTLE: Duration = Duration::from_millis(1);

/// Why an invocation has to end, whatever its code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Trip {
    No,
    Timeout,
    Overran,
    Cancelled,
    Memory,
}

impl Trip {
    /// What the error says that ends the invocation.
    pub(super) fn text(self) -> &'static CStr {
        match self {
            Self::Cancelled => c"the task was aborted",
            Self::Memory => c"not enough memory",
            Self::Overran | Self::Timeout | Self::No => c"the invocation ran past its time limit",
        }
    }
}

/// How much time an invocation has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The watchdog's next look comes before its end.
    Enough,
    Little,
    /// It has to end.
    Nothing,
}

/// Of one instance; see the [module](self).
#[derive(Default)]
pub(super) struct Pulse {
    /// Counts invocations; odd while one runs.
    turn: AtomicU64,
    /// The coroutine that runs, or the main one.
    current: AtomicPtr<lua_State>,
    /// A [`Trip`].
    trip: AtomicU8,
    /// By the processor time of the thread, in nanoseconds; 0 before the first look at that clock.
    deadline: AtomicU64,
    /// Nanoseconds from the first look at the clock to the deadline.
    limit: AtomicU64,
    /// The limit is the caller's patience.
    is_patience: AtomicBool,
    /// What the invocation is run under, or null.
    budget: AtomicPtr<Budget>,
    /// The thread that runs the instance, or ran it last.
    worker: Mutex<Option<Arc<Worker>>>,
    /// The same, to compare.
    worker_at: AtomicPtr<Worker>,
}

/// A thread that runs instances; none once it has ended.
pub(super) struct Worker(Mutex<Option<libc::pthread_t>>);

impl Worker {
    /// This thread.
    pub(super) fn here() -> Self {
        // SAFETY: no precondition.
        Self(Mutex::new(Some(unsafe { libc::pthread_self() })))
    }

    /// The thread ends: it is not signalled any more.
    pub(super) fn ends(&self) {
        *self.0.lock() = None;
    }
}

impl Pulse {
    /// Counts invocations; odd while one runs.
    #[inline]
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    /// An invocation starts on `l`.
    #[inline]
    pub(super) fn start(&self, l: *mut lua_State) {
        self.deadline.store(0, Ordering::Relaxed);
        self.current.store(l, Ordering::Relaxed);
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store((turn + 1) | 1, Ordering::Release);
    }

    /// The invocation ended.
    #[inline]
    pub(super) fn stop(&self) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store((turn | 1) + 1, Ordering::Release);
    }

    /// Whether somebody looked at the clock of the last invocation.
    #[inline]
    pub(super) fn was_interrupted(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) != 0
    }

    /// Says which thread runs the instance. Cheap when it is the one that ran it last.
    #[inline]
    pub(super) fn employ(&self, worker: &Arc<Worker>) {
        let at = Arc::as_ptr(worker).cast_mut();
        if self.worker_at.load(Ordering::Relaxed) != at {
            // Kept, so that no other worker gets its address.
            *self.worker.lock() = Some(Arc::clone(worker));
            self.worker_at.store(at, Ordering::Relaxed);
        }
    }

    /// Signals the thread that runs the instance. (When it has gone on to another, no harm is done.)
    pub(super) fn signal(&self, signal: c_int) {
        let worker = self.worker.lock();
        if let Some(worker) = &*worker
            && let Some(thread) = *worker.0.lock()
        {
            // SAFETY: the thread cannot end before it takes this lock to say that it does.
            unsafe { libc::pthread_kill(thread, signal) };
        }
    }

    /// Says which coroutine runs; returns the one that did.
    pub(super) fn switch(&self, l: *mut lua_State) -> *mut lua_State {
        self.current.swap(l, Ordering::Relaxed)
    }

    /// The coroutine that runs.
    pub(super) fn current(&self) -> *mut lua_State {
        self.current.load(Ordering::Relaxed)
    }

    /// Sets how long code may run from now on: for its module's time limit, or as long as the
    /// caller has patience.
    pub(super) fn allow(&self, limit: Duration, patience: Option<Duration>) {
        // What is left once the watchdog found it running.
        let left = |limit: Duration| limit.saturating_sub(PATIENCE + PATIENCE / 2);
        let (limit, is_patience) = match patience {
            Some(patience) if patience < limit => (left(patience).max(A_LITTLE), true),
            _ => (left(limit), false),
        };
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.limit.store(nanos, Ordering::Relaxed);
        self.is_patience.store(is_patience, Ordering::Relaxed);
    }

    /// Runs `f`, whose invocations are under a budget. Nothing has ended them yet.
    pub(super) fn lend<R>(&self, budget: &Budget, f: impl FnOnce() -> R) -> R {
        self.clear();
        let budget = ptr::from_ref(budget).cast_mut();
        self.budget.store(budget, Ordering::Relaxed);
        let done = f();
        self.budget.store(ptr::null_mut(), Ordering::Relaxed);
        done
    }

    /// Nothing has ended what runs from now on.
    pub(super) fn clear(&self) {
        self.trip.store(Trip::No as u8, Ordering::Relaxed);
    }

    /// Why the invocation has to end. Cheap enough to ask at every step.
    #[inline]
    pub(super) fn trip(&self) -> Trip {
        match self.trip.load(Ordering::Relaxed) {
            0 => Trip::No,
            1 => Trip::Timeout,
            2 => Trip::Overran,
            3 => Trip::Cancelled,
            _ => Trip::Memory,
        }
    }

    /// Whether the invocation has to end. Cheap enough to ask at every step.
    #[inline]
    pub(super) fn has_tripped(&self) -> bool {
        self.trip() != Trip::No
    }

    /// The invocation has to end.
    pub(super) fn end(&self, why: Trip) {
        self.trip.store(why as u8, Ordering::Relaxed);
    }

    /// Whether somebody wants the run to end.
    pub(super) fn is_cancelled(&self) -> bool {
        // SAFETY: null outside of a batch, else the budget that the batch is run under.
        unsafe { self.budget.load(Ordering::Relaxed).as_ref() }.is_some_and(Budget::is_cancelled)
    }

    /// Reads the clock, and ends the invocation when it must. Runs in a signal handler too.
    ///
    /// The clock starts at the first look, which comes when the invocation has run for the
    /// watchdog's patience already, so that those that end sooner never read a clock; the limit is
    /// shorter by as much.
    pub(super) fn look(&self) -> Left {
        if self.has_tripped() {
            return Left::Nothing;
        }
        if self.is_cancelled() {
            self.end(Trip::Cancelled);
            return Left::Nothing;
        }
        let now = processor_time();
        let mut deadline = self.deadline.load(Ordering::Relaxed);
        if deadline == 0 {
            deadline = now.saturating_add(self.limit.load(Ordering::Relaxed));
            self.deadline.store(deadline, Ordering::Relaxed);
        }
        match Duration::from_nanos(deadline.saturating_sub(now)) {
            Duration::ZERO if self.is_patience.load(Ordering::Relaxed) => self.end(Trip::Overran),
            Duration::ZERO => self.end(Trip::Timeout),
            left if left < PATIENCE * 2 => return Left::Little,
            _ => return Left::Enough,
        }
        Left::Nothing
    }
}

/// The processor time of this thread in nanoseconds: what an invocation takes does not hang on what
/// else the machine does.
fn processor_time() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the struct is valid for writing; the call is one that a signal handler may make.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t) };
    t.tv_sec.cast_unsigned() * 1_000_000_000 + t.tv_nsec.cast_unsigned()
}
