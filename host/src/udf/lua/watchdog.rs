//! Interrupts invocations that run for long, at no cost to those that do not.
//!
//! A Lua count hook makes the interpreter take its slow path on every instruction (it more
//! than doubles the time of arithmetic), so none is set before an invocation is near its end. One
//! thread looks at the instances every few milliseconds; when it finds one in the same
//! invocation again, it sends the worker's thread a signal, again and again. The handler looks at
//! the time that the invocation has left, and sets the hook when that is little; when it is none,
//! the hook comes at the next instruction, and functions in C find that they have to end.
//! Setting a hook is what Lua's manual allows a signal handler, and what its own `lua` program does.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use mlua::ffi::*;
use parking_lot::{Condvar, Mutex};

use super::pulse::{Left, PATIENCE, Pulse, Trip, Worker};

/// Instructions between two looks at the clock, when little time is left.
const HOOK_INSTRUCTIONS: i32 = 100;

/// Ignored by default everywhere, so a late one does no harm.
const SIGNAL: i32 = libc::SIGURG;

thread_local! {
    static RUNNING: Cell<*const Pulse> = const { Cell::new(std::ptr::null()) };
    static WORKER: Here = Here(Arc::new(Worker::here()));
}

/// This thread, until it ends.
struct Here(Arc<Worker>);

impl Drop for Here {
    fn drop(&mut self) {
        self.0.ends();
    }
}

/// The stretch of time in which this thread runs an instance. Foreground calls have one each, so it
/// takes no lock and writes nothing that other threads write, when all is as it was before.
pub(super) struct OnDuty<'a> {
    before: *const Pulse,
    pulse: PhantomData<&'a Pulse>,
}

impl<'a> OnDuty<'a> {
    pub(super) fn new(pulse: &'a Pulse) -> Self {
        // There is none when the thread is ending, and then there are no calls.
        let _ = WORKER.try_with(|here| pulse.employ(&here.0));
        let before = RUNNING.replace(pulse);
        let watchdog = watchdog();
        if watchdog.asleep.load(Ordering::Relaxed) {
            watchdog.asleep.store(false, Ordering::Relaxed);
            watchdog.wake.notify_one();
        }
        Self {
            before,
            pulse: PhantomData,
        }
    }
}

impl Drop for OnDuty<'_> {
    fn drop(&mut self) {
        RUNNING.set(self.before);
    }
}

struct Watchdog {
    pulses: Mutex<Vec<(Weak<Pulse>, u64)>>,
    /// No instance ran lately, so it looks less often.
    asleep: AtomicBool,
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
            asleep: AtomicBool::new(false),
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
        let mut idle = false;
        loop {
            let mut pulses = self.pulses.lock();
            if idle {
                self.asleep.store(true, Ordering::Relaxed);
                // A call that begins meanwhile may not see that it is asleep: hence the timeout.
                self.wake.wait_for(&mut pulses, PATIENCE * 8);
                self.asleep.store(false, Ordering::Relaxed);
            }
            idle = true;
            pulses.retain_mut(|(pulse, seen)| {
                let Some(pulse) = pulse.upgrade() else {
                    return false;
                };
                let turn = pulse.turn();
                let runs = turn % 2 == 1;
                idle &= !runs && turn == *seen;
                if runs && turn == *seen {
                    pulse.signal(SIGNAL);
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
    let Some(pulse) = on_duty().filter(|pulse| pulse.turn() % 2 == 1) else {
        return;
    };
    let instructions = match pulse.look() {
        Left::Enough => return,
        Left::Little => HOOK_INSTRUCTIONS,
        Left::Nothing => 1,
    };
    // SAFETY: between `start` and `stop` the state lives and runs on this very thread;
    // lua_sethook is made to be called from a signal handler.
    unsafe { lua_sethook(pulse.current(), Some(hook), LUA_MASKCOUNT, instructions) };
}

/// The pulse of the instance that runs on this thread. The reference is good for as long as that
/// instance is on duty.
#[inline]
pub(super) fn on_duty<'a>() -> Option<&'a Pulse> {
    // SAFETY: set only while the pulse is borrowed by this thread's `OnDuty`.
    unsafe { RUNNING.get().as_ref() }
}

/// Raises the error that ends an invocation for the reason given.
///
/// From now on the hook fires before every instruction, so that no handler of the code
/// that is being unwound (`__close`, a message handler) gets to run.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn give_up(l: *mut lua_State, trip: Trip) -> ! {
    lua_sethook(l, Some(hook), LUA_MASKCOUNT, 1);
    let text = trip.text();
    if trip == Trip::Memory {
        lua_pushstring(l, text.as_ptr());
    } else {
        push_place(l);
        lua_pushstring(l, text.as_ptr());
        lua_concat(l, 2);
    }
    lua_error(l)
}

/// Pushes the place of the Lua code that runs, as `FILE:LINE: `. (`luaL_where` wants its level:
/// this is called from a hook, inside the function itself, as well as from functions in C.)
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn push_place(l: *mut lua_State) {
    for level in 0..4 {
        luaL_where(l, level);
        if lua_rawlen(l, -1) > 0 {
            return;
        }
        lua_pop(l, 1);
    }
    lua_pushstring(l, c"".as_ptr());
}

/// Runs between instructions when an invocation is near its end.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, _: *mut lua_Debug) {
    if let Some(pulse) = on_duty()
        && pulse.look() == Left::Nothing
    {
        give_up(l, pulse.trip());
    }
}
