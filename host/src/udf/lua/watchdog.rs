//! Interrupts invocations that run for long, at no cost to those that do not.
//!
//! A Lua count hook makes the interpreter take its slow path on every instruction (it more
//! than doubles the time of arithmetic), so none is set while an invocation is young. One
//! thread looks at the instances every few milliseconds; when it finds one in the same
//! invocation again, it sends the worker's thread a signal, whose handler sets the hook to come
//! at the next instruction, then and each time that it looks: of code whose instructions take
//! long, no more than one is waited for. This is what Lua's manual allows of a signal handler and what its own `lua` program does.
//! The hook then reads the clock and the abort flag, and ends the invocation when it must.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use mlua::ffi::*;
use parking_lot::{Condvar, Mutex};

/// How often the watchdog looks: an invocation gets the hook after one to two of these.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);

/// Instructions between two looks at the clock, once the hook is set, should the watchdog not come
/// to look.
pub(super) const HOOK_INSTRUCTIONS: i32 = 100;

/// Ignored by default everywhere, so a late one does no harm.
const SIGNAL: i32 = libc::SIGURG;

/// What the watchdog and the signal handler see of an instance.
pub(super) struct Pulse {
    /// What interrupts its code.
    hook: lua_Hook,
    /// Counts invocations; odd while one runs.
    turn: AtomicU64,
    /// The coroutine that runs, or the main one.
    current: AtomicPtr<lua_State>,
    slot: AtomicPtr<c_void>,
    worker: Mutex<Option<libc::pthread_t>>,
}

thread_local! {
    static RUNNING: Cell<*const Pulse> = const { Cell::new(std::ptr::null()) };
}

impl Pulse {
    /// Of an instance that `hook` ends when it must; the hook asks [`on_duty`] for its slot.
    pub(super) fn new(hook: lua_Hook) -> Self {
        Self {
            hook,
            turn: AtomicU64::default(),
            current: AtomicPtr::default(),
            slot: AtomicPtr::default(),
            worker: Mutex::default(),
        }
    }

    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// An invocation starts on `l`.
    #[inline]
    pub(super) fn start(&self, l: *mut lua_State) {
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

    /// Says which coroutine runs; returns the one that did.
    pub(super) fn switch(&self, l: *mut lua_State) -> *mut lua_State {
        self.current.swap(l, Ordering::Relaxed)
    }
}

/// The stretch of time in which this thread runs an instance.
pub(super) struct OnDuty<'a> {
    pulse: &'a Pulse,
    before: *const Pulse,
}

impl<'a> OnDuty<'a> {
    pub(super) fn new(pulse: &'a Pulse, slot: *mut c_void) -> Self {
        pulse.slot.store(slot, Ordering::Relaxed);
        // SAFETY: no precondition.
        *pulse.worker.lock() = Some(unsafe { libc::pthread_self() });
        let before = RUNNING.replace(pulse);
        let watchdog = watchdog();
        if watchdog.active.fetch_add(1, Ordering::AcqRel) == 0 {
            watchdog.wake.notify_one();
        }
        Self { pulse, before }
    }
}

impl Drop for OnDuty<'_> {
    fn drop(&mut self) {
        RUNNING.set(self.before);
        *self.pulse.worker.lock() = None;
        watchdog().active.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Watchdog {
    pulses: Mutex<Vec<(Weak<Pulse>, u64)>>,
    active: AtomicU64,
    wake: Condvar,
}

fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
    WATCHDOG.get_or_init(|| {
        install_handler();
        let spawned = std::thread::Builder::new()
            .name("lua-watchdog".into())
            .spawn(|| watchdog().watch());
        if let Err(e) = spawned {
            tracing::error!("no watchdog: Lua time limits do not hold: {e}");
        }
        Watchdog {
            pulses: Mutex::new(Vec::new()),
            active: AtomicU64::new(0),
            wake: Condvar::new(),
        }
    })
}

/// Has the watchdog look at an instance from now on, for as long as it lives.
pub(super) fn register(pulse: &Arc<Pulse>) {
    watchdog().pulses.lock().push((Arc::downgrade(pulse), 0));
}

impl Watchdog {
    fn watch(&self) {
        loop {
            let mut pulses = self.pulses.lock();
            if self.active.load(Ordering::Acquire) == 0 {
                // A wake-up between the load and the wait may be missed: hence the timeout.
                self.wake.wait_for(&mut pulses, PATIENCE * 8);
            }
            pulses.retain_mut(|(pulse, seen)| {
                let Some(pulse) = pulse.upgrade() else {
                    return false;
                };
                let turn = pulse.turn.load(Ordering::Acquire);
                if turn % 2 == 1 && turn == *seen {
                    let worker = pulse.worker.lock();
                    if let Some(thread) = *worker {
                        // SAFETY: the thread cannot end before it takes this lock to say
                        // that it is off duty.
                        unsafe { libc::pthread_kill(thread, SIGNAL) };
                    }
                }
                *seen = turn;
                true
            });
            drop(pulses);
            std::thread::sleep(PATIENCE);
        }
    }
}

fn install_handler() {
    // SAFETY: the struct is plain data; the handler does only what a handler may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(i32) as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut());
    }
}

extern "C" fn on_signal(_: i32) {
    let pulse = RUNNING.get();
    // SAFETY: set only while the pulse is borrowed by this thread's `OnDuty`.
    let Some(pulse) = (unsafe { pulse.as_ref() }) else {
        return;
    };
    if pulse.turn.load(Ordering::Relaxed) % 2 == 0 {
        return;
    }
    let l = pulse.current.load(Ordering::Relaxed);
    // SAFETY: between `start` and `stop` the state lives and runs on this very thread;
    // lua_sethook is made to be called from a signal handler.
    unsafe {
        lua_sethook(l, Some(pulse.hook), LUA_MASKCOUNT, 1);
    }
}

/// The slot of the instance that runs on this thread, or null.
pub(super) fn on_duty() -> *mut c_void {
    // SAFETY: set only while the pulse is borrowed by this thread's `OnDuty`.
    match unsafe { RUNNING.get().as_ref() } {
        Some(pulse) => pulse.slot.load(Ordering::Relaxed),
        None => std::ptr::null_mut(),
    }
}
