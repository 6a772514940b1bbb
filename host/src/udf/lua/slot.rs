//! What the functions that Lua calls know of the invocation that calls them.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlua::ffi::*;

use super::feed::Feed;
use super::watchdog::{PATIENCE, Pulse, on_duty};
use crate::change::{RecordContext, Scope};
use crate::model::BinName;
use crate::udf::log::Log;
use crate::udf::{Allowance, Budget, Granted, Sources};

/// What an invocation that seems to outrun its caller's patience may still run for: the thread may
/// have waited for a core meanwhile.
const A_LITTLE: Duration = Duration::from_millis(1);

/// Why an invocation has to end, whatever its code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trip {
    No,
    Timeout,
    Overran,
    Cancelled,
    Memory,
}

/// A collection that the invocation read or set, and must see again as the same object.
/// Its Lua value is in the cache table at its index + 1.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) name: BinName,
    /// It was set, so `create` and `update` store it as it is by then.
    pub(super) set: bool,
}

/// Places in the Lua registry.
#[derive(Debug, Default)]
pub(super) struct Refs {
    pub(super) metatables: [i32; 7],
    pub(super) record: i32,
    pub(super) cache: i32,
    pub(super) environment: i32,
    pub(super) standard: i32,
    pub(super) pusher: i32,
    pub(super) chunks: i32,
    pub(super) loaded: i32,
    pub(super) changes: i32,
    pub(super) randomseed: i32,
}

/// The state of one invocation, and of the Lua state it runs in. Lua functions reach it as
/// their first upvalue; the raw pointers are set for the length of a batch.
pub(super) struct Slot {
    pub(super) context: *mut RecordContext,
    pub(super) scope: *const Scope,
    pub(super) budget: *const Budget,
    pub(super) limit: Duration,
    /// What an invocation that is past `limit` ends as.
    pub(super) past_limit: Trip,
    pub(super) cache: Vec<Cached>,
    pub(super) refs: Refs,
    pub(super) scratch: Vec<u8>,
    /// Bytes that the invocation gave to bins; at most `memory`.
    pub(super) written: usize,
    pub(super) memory: usize,
    /// The record is as a stream sees it: what is done to it has no effect.
    pub(super) reads_only: bool,
    /// What an aggregation is fed.
    pub(super) feed: Feed,
    pub(super) trip: Trip,
    pub(super) pulse: Arc<Pulse>,
    pub(super) deadline: Option<(u64, Instant)>,
    /// A `require` ran, so the table of loaded modules is no longer as after loading.
    pub(super) required: bool,
    /// Some `require` ran in this state: it holds code of other modules, or what it did depends
    /// on their absence.
    pub(super) depends: bool,
    /// Changes of standard tables in the log, and how many of them stay.
    pub(super) changes: usize,
    pub(super) lasting_changes: usize,
    /// The call chose its random numbers.
    pub(super) seeded: bool,
    /// The package that the state is of.
    pub(super) package: String,
    pub(super) backtrace: Option<String>,
    pub(super) wants_backtrace: bool,
    pub(super) sources: Arc<dyn Sources>,
    pub(super) log: Arc<Log>,
    pub(super) granted: Arc<Granted>,
    /// The most bytes of a file that may be read or written at once.
    pub(super) file_bytes: usize,
}

impl Slot {
    pub(super) fn new(
        package: &str,
        sources: Arc<dyn Sources>,
        log: Arc<Log>,
        allowance: &Allowance,
    ) -> Self {
        Self {
            context: std::ptr::null_mut(),
            scope: std::ptr::null(),
            budget: std::ptr::null(),
            limit: Duration::ZERO,
            past_limit: Trip::Timeout,
            cache: Vec::new(),
            refs: Refs::default(),
            scratch: Vec::new(),
            written: 0,
            memory: 0,
            reads_only: false,
            feed: Feed::default(),
            trip: Trip::No,
            pulse: Arc::new(Pulse::new(hook)),
            deadline: None,
            required: false,
            depends: false,
            changes: 0,
            lasting_changes: 0,
            seeded: false,
            package: package.to_owned(),
            backtrace: None,
            wants_backtrace: false,
            sources,
            log,
            granted: Arc::clone(&allowance.granted),
            file_bytes: allowance.limits.memory_bytes,
        }
    }

    /// Sets how long code may run from now on: for its module's time limit, or as long as the
    /// caller has patience.
    pub(super) fn allow(&mut self, limit: Duration, patience: Option<Duration>) {
        // What is left once the watchdog found it running.
        let left = |limit: Duration| limit.saturating_sub(PATIENCE + PATIENCE / 2);
        (self.limit, self.past_limit) = match patience {
            Some(patience) if patience < limit => (left(patience).max(A_LITTLE), Trip::Overran),
            _ => (left(limit), Trip::Timeout),
        };
    }

    /// Whether the invocation has to end now. Reads the clock: ask every few thousand steps.
    ///
    /// The clock starts at the first question of an invocation. Of Lua code that comes when it
    /// has run for the watchdog's patience already, so that those that end sooner never read
    /// a clock; the limit is shorter by as much.
    pub(super) fn overdue(&mut self) -> bool {
        if self.trip != Trip::No {
            return true;
        }
        // SAFETY: null outside of a batch, else the budget that the batch is run under.
        if unsafe { self.budget.as_ref() }.is_some_and(Budget::is_cancelled) {
            self.trip = Trip::Cancelled;
            return true;
        }
        let turn = self.pulse.turn();
        let now = Instant::now();
        match self.deadline {
            Some((of, at)) if of == turn => {
                if now >= at {
                    self.trip = self.past_limit;
                }
            }
            _ => self.deadline = Some((turn, now + self.limit)),
        }
        self.trip != Trip::No
    }
}

/// A slot at a place of its own. Lua's functions hold its address, so everybody reaches it
/// through that address, and nobody keeps a reference across a call into Lua.
pub(super) struct OwnSlot(NonNull<Slot>);

impl OwnSlot {
    pub(super) fn new(slot: Slot) -> Self {
        Self(NonNull::from(Box::leak(Box::new(slot))))
    }

    /// The address that Lua's functions get.
    pub(super) fn as_ptr(&self) -> *mut Slot {
        self.0.as_ptr()
    }
}

impl Deref for OwnSlot {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        // SAFETY: the slot is there until this is dropped; Lua's functions, which reach it
        // too, do not run while the reference is used.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for OwnSlot {
    fn deref_mut(&mut self) -> &mut Slot {
        // SAFETY: as in `deref`.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for OwnSlot {
    fn drop(&mut self) {
        // SAFETY: made of a box in `new`, and given back once; the Lua state that knows the
        // address has been closed (the order of the fields of `State`).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The slot of the running Lua function: its first upvalue.
///
/// # Safety
/// Only inside a function whose first upvalue the slot is. The reference must not be used after
/// a call of Lua code, which has its own.
#[inline]
pub(super) unsafe fn slot<'a>(l: *mut lua_State) -> &'a mut Slot {
    &mut *lua_touserdata(l, lua_upvalueindex(1)).cast::<Slot>()
}

/// Ends the invocation from inside a C function when it is overdue; otherwise returns.
///
/// # Safety
/// The [stack rules](super), and as [`slot`]. Raises.
pub(super) unsafe fn check_overdue(l: *mut lua_State) {
    if slot(l).overdue() {
        give_up(l, slot(l));
    }
}

/// Raises the error that ends an overdue invocation.
///
/// From now on the hook fires before every instruction, so that no handler of the code
/// that is being unwound (`__close`, a message handler) gets to run.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn give_up(l: *mut lua_State, slot: &Slot) -> ! {
    lua_sethook(l, Some(hook), LUA_MASKCOUNT, 1);
    let text = match slot.trip {
        Trip::Cancelled => c"the task was aborted",
        Trip::Memory => c"not enough memory",
        Trip::Overran | Trip::Timeout | Trip::No => c"the invocation ran past its time limit",
    };
    if slot.trip == Trip::Memory {
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

/// Runs every few instructions in an invocation that takes long.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, _: *mut lua_Debug) {
    if let Some(slot) = on_duty().cast::<Slot>().as_mut()
        && slot.overdue()
    {
        give_up(l, slot);
    }
}
