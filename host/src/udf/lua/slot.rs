//! What the functions that Lua calls know of the invocation that calls them.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use mlua::ffi::*;

use super::feed::Feed;
use super::pulse::{Pulse, Trip};
use super::watchdog::give_up;
use crate::change::{RecordContext, Scope};
use crate::model::BinName;
use crate::udf::log::Log;
use crate::udf::{Allowance, Granted, Sources};

/// The most bytes that wait for the next use.
const SCRATCH: usize = 1 << 20;

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
    pub(super) pulse: Arc<Pulse>,
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
            cache: Vec::new(),
            refs: Refs::default(),
            scratch: Vec::new(),
            written: 0,
            memory: 0,
            reads_only: false,
            feed: Feed::default(),
            pulse: Arc::default(),
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

    /// Gives back memory that a large value took.
    pub(super) fn tidy(&mut self) {
        if self.scratch.capacity() > SCRATCH {
            self.scratch = Vec::new();
        }
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

/// How many steps a loop in C takes from one [`pause`] that asks to the next.
const STEPS: usize = 1024;

/// In step `i` of a loop that no hook interrupts: ends the invocation when it has to end.
///
/// # Safety
/// The [stack rules](super), and as [`slot`]. Raises.
#[inline]
pub(super) unsafe fn pause(l: *mut lua_State, i: usize) {
    if i.is_multiple_of(STEPS) {
        check_overdue(l);
    }
}

/// Ends the invocation from inside a C function when it has to end; otherwise returns.
///
/// # Safety
/// The [stack rules](super), and as [`slot`]. Raises.
pub(super) unsafe fn check_overdue(l: *mut lua_State) {
    let trip = slot(l).pulse.trip();
    if trip != Trip::No {
        give_up(l, trip);
    }
}
