//! Tables that all calls share: the libraries and classes. A module may add to `string` or replace
//! a function of `math`, as on a Lua of its own. What it does while it is loaded stays; what a call
//! does is undone after it.

use std::ffi::c_int;
use std::hash::{BuildHasher, RandomState};

use mlua::ffi::*;

use super::object::register;
use super::slot::{Slot, slot};

/// How many values of the log a change takes: the table, the key, and the value before (null for none).
pub(super) const PER_CHANGE: i64 = 3;

/// Turns the table and the metatable on top of the stack into a proxy, which is what
/// `getmetatable` gives of it.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn freeze(l: *mut lua_State, s: *mut Slot) {
    lua_pushvalue(l, -2);
    lua_setfield(l, -2, c"__index".as_ptr());
    register(l, s, &[(c"__newindex", set), (c"__pairs", pairs)]);
    lua_pushboolean(l, 1);
    lua_setfield(l, -2, c"__frozen".as_ptr());
    lua_createtable(l, 0, 0);
    lua_pushvalue(l, -1);
    lua_setfield(l, -3, c"__metatable".as_ptr());
    lua_insert(l, -2);
    lua_setmetatable(l, -2);
    lua_replace(l, -2);
}

/// Pushes the table behind the proxy at `index`; pushes nothing and returns false for others.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_behind(l: *mut lua_State, index: c_int) -> bool {
    if lua_type(l, index) != LUA_TTABLE || lua_getmetatable(l, index) == 0 {
        return false;
    }
    lua_pushstring(l, c"__frozen".as_ptr());
    if lua_rawget(l, -2) == LUA_TNIL {
        lua_pop(l, 2);
        return false;
    }
    lua_pushstring(l, c"__index".as_ptr());
    lua_rawget(l, -3);
    lua_replace(l, -3);
    lua_pop(l, 1);
    true
}

/// `__newindex` of the standard tables: sets a field of the table behind, and notes what was there.
pub(super) unsafe extern "C-unwind" fn set(l: *mut lua_State) -> c_int {
    lua_settop(l, 3);
    if !push_behind(l, 1) {
        return 0;
    }
    let s = slot(l);
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.changes.into());
    // Stack: proxy, key, value, table, log.
    lua_pushvalue(l, 2);
    if lua_rawget(l, 4) == LUA_TNIL {
        lua_pop(l, 1);
        lua_pushlightuserdata(l, std::ptr::null_mut());
    }
    lua_pushvalue(l, 2);
    lua_pushvalue(l, 3);
    // Raises for a key that cannot be one, before anything is noted. (And when there is no memory
    // for the note, the state is not used again.)
    lua_rawset(l, 4);
    let at = s.changes as i64 * PER_CHANGE;
    lua_rawseti(l, 5, at + 3);
    lua_pushvalue(l, 2);
    lua_rawseti(l, 5, at + 2);
    lua_pushvalue(l, 4);
    lua_rawseti(l, 5, at + 1);
    s.changes += 1;
    0
}

/// Undoes the latest changes, but for the first `kept`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn undo(l: *mut lua_State, s: &mut Slot, kept: usize) {
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.changes.into());
    while s.changes > kept {
        let at = (s.changes as i64 - 1) * PER_CHANGE;
        for i in 1..=PER_CHANGE {
            lua_rawgeti(l, -i as c_int, at + i);
        }
        if lua_type(l, -1) == LUA_TLIGHTUSERDATA && lua_touserdata(l, -1).is_null() {
            lua_pop(l, 1);
            lua_pushnil(l);
        }
        lua_rawset(l, -3);
        lua_pop(l, 1);
        for i in 1..=PER_CHANGE {
            lua_pushnil(l);
            lua_rawseti(l, -2, at + i);
        }
        s.changes -= 1;
    }
    lua_pop(l, 1);
}

/// Undoes what a call did to what all share; for a protected call.
pub(super) unsafe extern "C-unwind" fn undo_call(l: *mut lua_State) -> c_int {
    let s = slot(l);
    let kept = s.lasting_changes;
    undo(l, s, kept);
    if s.seeded {
        s.seeded = false;
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.randomseed.into());
        let seed = RandomState::new().hash_one(s.changes);
        lua_pushinteger(l, seed as i64);
        lua_call(l, 1, 0);
    }
    0
}

/// `__pairs` of the standard tables, which are empty themselves.
pub(super) unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    if !push_behind(l, 1) {
        return 0;
    }
    // The table itself stays out of reach.
    lua_pushcclosure(l, next, 1);
    1
}

unsafe extern "C-unwind" fn next(l: *mut lua_State) -> c_int {
    lua_settop(l, 2);
    if lua_next(l, lua_upvalueindex(1)) == 0 {
        lua_pushnil(l);
        return 1;
    }
    2
}
