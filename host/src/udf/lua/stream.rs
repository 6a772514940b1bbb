//! The three functions that `stream.lua` gets: what it is fed, and what it yields.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;

use super::feed::{Feed, Refused};
use super::object::{fail, push_value};
use super::pack::{Unpackable, to_value};
use super::pulse::Trip;
use super::record::forget;
use super::slot::{Slot, check_overdue, slot};
use super::watchdog::give_up;
use crate::model::Value;

/// Each record, and each partial value, has the time of one invocation.
///
/// # Safety
/// The [stack rules](super), and as [`slot`]. Raises.
unsafe fn begin(l: *mut lua_State, s: &mut Slot) {
    s.pulse.start(l);
    if lua_gethookmask(l) != 0 {
        lua_sethook(l, None, 0, 0);
    }
    if s.pulse.is_cancelled() {
        s.pulse.end(Trip::Cancelled);
    }
    check_overdue(l);
}

/// `advance()`: makes the next record the current one; false when there is none.
pub(super) unsafe extern "C-unwind" fn advance(l: *mut lua_State) -> c_int {
    let s = slot(l);
    forget(l, s);
    let next = s.feed.next_record();
    s.context = next.unwrap_or(ptr::null_mut());
    if next.is_some() {
        begin(l, s);
    }
    lua_pushboolean(l, next.is_some().into());
    1
}

/// `partials()`: the next partial value; nil when there is none.
pub(super) unsafe extern "C-unwind" fn partials(l: *mut lua_State) -> c_int {
    let s = slot(l);
    match s.feed.next_partial() {
        Some(value) => {
            begin(l, s);
            push_value(l, s, &*value);
        }
        None => lua_pushnil(l),
    }
    1
}

/// Ends the aggregation for a value that cannot be passed on; no code of the module is in between
/// that could catch the error.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn refuse(l: *mut lua_State, feed: &mut Feed, len: Option<usize>) -> ! {
    feed.refused = Some(Refused { len });
    fail(l, c"a value cannot be passed on")
}

/// `emit(value)`: passes a value on. What no bin could hold is passed over, as by the incumbent.
pub(super) unsafe extern "C-unwind" fn emit(l: *mut lua_State) -> c_int {
    let s = slot(l);
    let value = match to_value(l, 1, &mut s.scratch) {
        Ok(Value::Nil) | Err(Unpackable::Type) => return 0,
        Ok(value) => value,
        Err(Unpackable::Overdue) => give_up(l, s.pulse.trip()),
        Err(Unpackable::Size) => refuse(l, &mut s.feed, None),
    };
    let len = value.heap_bytes();
    if len > s.feed.largest {
        drop(value);
        refuse(l, &mut s.feed, Some(len));
    }
    // What waits to be passed on counts as if Lua held it.
    s.written += len + size_of::<Value>();
    s.feed.values.push(value);
    if s.written > s.memory {
        s.pulse.end(Trip::Memory);
        give_up(l, Trip::Memory);
    }
    0
}
