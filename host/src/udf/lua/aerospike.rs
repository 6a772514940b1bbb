//! `aerospike`: what a function does to its record, the log, and the time.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;
use tracing::Level;

use super::object::{REC, check, fail, raw_str, register};
use super::pack::to_value;
use super::record::{context, forget, set_bin};
use super::slot::{Slot, slot};
use crate::change::RecordContext;

/// Hands the collections that were set to the record, as they are now.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn flush(l: *mut lua_State, s: &mut Slot, context: &mut RecordContext) {
    if s.cache.iter().all(|c| !c.set) {
        return;
    }
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.cache.into());
    for i in 0..s.cache.len() {
        if !s.cache[i].set {
            continue;
        }
        let name = s.cache[i].name;
        lua_rawgeti(l, -1, i as i64 + 1);
        match to_value(l, -1, &mut s.scratch) {
            Ok(value) => set_bin(l, s, context, name, value),
            Err(_) => fail(
                l,
                c"can't store a collection that is too large, nests too deep, or holds itself",
            ),
        }
        s.cache[i].set = false;
        lua_pop(l, 1);
    }
    lua_pop(l, 1);
}

/// What a stream's record answers to whatever would change it; the incumbent says 1 too.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn refuse(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, 1);
    1
}

unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    check(l, 2, REC);
    let s = slot(l);
    if s.reads_only {
        return refuse(l);
    }
    let context = context(l, s);
    if !context.exists() {
        flush(l, s, context);
    }
    lua_pushinteger(l, context.create());
    1
}

unsafe extern "C-unwind" fn update(l: *mut lua_State) -> c_int {
    check(l, 2, REC);
    let s = slot(l);
    if s.reads_only {
        return refuse(l);
    }
    let context = context(l, s);
    if context.exists() {
        flush(l, s, context);
    }
    lua_pushinteger(l, context.update());
    1
}

unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    check(l, 2, REC);
    let s = slot(l);
    if s.reads_only {
        return refuse(l);
    }
    let done = context(l, s).remove();
    if done == 0 {
        forget(l, s);
    }
    lua_pushinteger(l, done);
    1
}

unsafe extern "C-unwind" fn exists(l: *mut lua_State) -> c_int {
    check(l, 2, REC);
    let s = slot(l);
    lua_pushboolean(l, context(l, s).exists().into());
    1
}

/// `aerospike:log(level, text)`: 1 is a warning, 2 information, 3 for debugging, 4 a trace.
unsafe extern "C-unwind" fn log(l: *mut lua_State) -> c_int {
    let level = luaL_optinteger(l, 2, 0);
    luaL_checklstring(l, 3, ptr::null_mut());
    let level = match level {
        ..=1 => Level::WARN,
        2 => Level::INFO,
        3 => Level::DEBUG,
        _ => Level::TRACE,
    };
    slot(l).log.write(level, raw_str(l, 3));
    0
}

unsafe extern "C-unwind" fn get_current_time(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, crate::model::now_millis() as i64);
    1
}

/// `set_context` and `get_config` have had no meaning for long; the incumbent says -1 too.
unsafe extern "C-unwind" fn obsolete(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, -1);
    1
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"create", create),
    (c"update", update),
    (c"remove", remove),
    (c"exists", exists),
    (c"log", log),
    (c"get_current_time", get_current_time),
    (c"set_context", obsolete),
    (c"get_config", obsolete),
];

/// Pushes the table of functions and an empty one.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    lua_createtable(l, 0, 3);
}
