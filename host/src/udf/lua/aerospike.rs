//! `aerospike`: what a function does to its record, the log, and the time.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;
use tracing::Level;

use super::object::{AERO, REC, check, fail, head, metatable, raw_str, register, type_error};
use super::pack::to_value;
use super::record::{context, forget, set_bin};
use super::slot::{Slot, check_overdue, slot};
use crate::change::RecordContext;
use crate::model::{EPOCH_OFFSET_SECS, ResultCode, now_millis};

/// The most bins that a record may have for a function to store it, and the most that one
/// invocation may set or remove: the incumbent's.
const MAX_BINS: usize = 512;
const MAX_CHANGES: usize = 2 * MAX_BINS;

/// The slot and the record of a call `aerospike:f(rec)`.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn arguments<'a>(l: *mut lua_State) -> (&'a mut Slot, &'a mut RecordContext) {
    check(l, 1, AERO);
    let record = head(l, 2);
    if record.is_null() || (*record).tag != REC {
        type_error(l, 2, c"Record");
    }
    let s = slot(l);
    let context = context(l, s);
    (s, context)
}

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
            Err(_) => {
                check_overdue(l);
                fail(
                    l,
                    c"can't store a collection that is too large, nests too deep, or holds itself",
                )
            }
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

/// Whether the record would have too many bins; cheap for one that is far from it.
fn is_over_limits(context: &RecordContext) -> bool {
    // Six bytes are the least that a bin takes.
    let most = context.base().map_or(0, |r| r.body.as_bytes().len() / 6);
    let changes = context.changes();
    changes > MAX_CHANGES
        || most + changes > MAX_BINS
            && context.base().map_or(0, |r| r.body.bins().count()) + changes > MAX_BINS
            && context.bin_names().len() > MAX_BINS
}

/// Before changes are stored: whether they can be. Otherwise all of them are undone.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn admit(l: *mut lua_State, s: &mut Slot, context: &mut RecordContext) -> bool {
    flush(l, s, context);
    if is_over_limits(context) {
        context.fail(ResultCode::BinName);
        forget(l, s);
        return false;
    }
    true
}

unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    let (s, context) = arguments(l);
    if s.reads_only {
        return refuse(l);
    }
    let done = if context.can_create() && !admit(l, s, context) {
        -1
    } else {
        context.create()
    };
    lua_pushinteger(l, done);
    1
}

unsafe extern "C-unwind" fn update(l: *mut lua_State) -> c_int {
    let (s, context) = arguments(l);
    if s.reads_only {
        return refuse(l);
    }
    let done = if context.exists() && !admit(l, s, context) {
        -1
    } else {
        context.update()
    };
    lua_pushinteger(l, done);
    1
}

unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    let (s, context) = arguments(l);
    if s.reads_only {
        return refuse(l);
    }
    let done = context.remove();
    if done == 0 {
        forget(l, s);
    }
    lua_pushinteger(l, done);
    1
}

unsafe extern "C-unwind" fn exists(l: *mut lua_State) -> c_int {
    let (_, context) = arguments(l);
    lua_pushboolean(l, context.exists().into());
    1
}

/// `aerospike:log(level, text)`: 1 is a warning, 2 information, 3 for debugging, 4 a trace.
unsafe extern "C-unwind" fn log(l: *mut lua_State) -> c_int {
    check(l, 1, AERO);
    let level = luaL_optinteger(l, 2, 0);
    if luaL_optlstring(l, 3, ptr::null(), ptr::null_mut()).is_null() {
        return 0;
    }
    let level = match level {
        ..=1 => Level::WARN,
        2 => Level::INFO,
        3 => Level::DEBUG,
        _ => Level::TRACE,
    };
    slot(l).log.write(level, raw_str(l, 3));
    0
}

/// Milliseconds since 1970, unlike a record's last update.
unsafe extern "C-unwind" fn get_current_time(l: *mut lua_State) -> c_int {
    check(l, 1, AERO);
    lua_pushinteger(l, (now_millis() + EPOCH_OFFSET_SECS * 1000) as i64);
    1
}

/// It has had no meaning for long; this is what the incumbent says.
unsafe extern "C-unwind" fn set_context(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, 2);
    1
}

/// As [`set_context`].
unsafe extern "C-unwind" fn get_config(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, 0);
    1
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"create", create),
    (c"update", update),
    (c"remove", remove),
    (c"exists", exists),
    (c"log", log),
    (c"get_current_time", get_current_time),
    (c"set_context", set_context),
    (c"get_config", get_config),
];

/// Makes the class, and pushes the table of functions and an empty one.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    metatable(l, s, AERO, &[]);
    lua_rawgeti(
        l,
        LUA_REGISTRYINDEX,
        (&(*s).refs.metatables)[usize::from(AERO)].into(),
    );
    lua_pushvalue(l, -2);
    lua_setfield(l, -2, c"__index".as_ptr());
    lua_pop(l, 1);
    lua_createtable(l, 0, 4);
}
