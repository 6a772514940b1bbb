//! What `list.iterator`, `map.pairs`, `map.keys` and `map.values` hand to a `for` loop.

use std::ffi::c_int;

use mlua::ffi::*;

use super::map::push_sorted_entries;
use super::object::{Head, ITER, MAP, check, metatable, new_object, own, register};
use super::packed::push_next;
use super::slot::{Slot, slot};
use crate::cdt::Cursor;

// An iterator's user value is what it walks: a list, or a table of keys and values in turn.
// Its `cursor` is at the element it gave last, its `body` says which of key (1) and value (2) it
// gives.
const KEYS: usize = 1;
const VALUES: usize = 2;

/// Pushes the function and the state that iterate the list at 1.
///
/// # Safety
/// The [stack rules](super), for the list at 1. Raises.
pub(super) unsafe fn push_list_iterator(l: *mut lua_State, s: &Slot, list: *mut Head) -> c_int {
    lua_pushvalue(l, lua_upvalueindex(1));
    lua_pushcclosure(l, next_of_list, 1);
    let it = new_object(l, s, ITER, 0);
    lua_pushvalue(l, 1);
    lua_setiuservalue(l, -2, 1);
    (*it).cursor = Cursor::new((*list).body);
    (*it).edited = (*list).edited;
    (*it).data = list.cast();
    2
}

/// Pushes the function and the state that iterate the map at 1.
///
/// # Safety
/// The [stack rules](super), for a map at 1. Raises.
pub(super) unsafe fn push_map_iterator(l: *mut lua_State, s: &mut Slot, parts: usize) -> c_int {
    lua_pushvalue(l, lua_upvalueindex(1));
    lua_pushcclosure(l, next_of_map, 1);
    push_sorted_entries(l, s, 1);
    let it = new_object(l, s, ITER, 0);
    lua_insert(l, -2);
    lua_setiuservalue(l, -2, 1);
    (*it).body = parts;
    2
}

pub(super) unsafe extern "C-unwind" fn map_pairs(l: *mut lua_State) -> c_int {
    check(l, 1, MAP);
    push_map_iterator(l, slot(l), KEYS | VALUES)
}

pub(super) unsafe extern "C-unwind" fn map_keys(l: *mut lua_State) -> c_int {
    check(l, 1, MAP);
    push_map_iterator(l, slot(l), KEYS)
}

pub(super) unsafe extern "C-unwind" fn map_values(l: *mut lua_State) -> c_int {
    check(l, 1, MAP);
    push_map_iterator(l, slot(l), VALUES)
}

unsafe extern "C-unwind" fn next_of_list(l: *mut lua_State) -> c_int {
    let it = check(l, 1, ITER);
    let list = (*it).data.cast::<Head>();
    if list.is_null() || (*it).cursor.at >= (*list).n {
        return 0;
    }
    if push_next(l, it, list) {
        return 1;
    }
    lua_getiuservalue(l, 1, 1);
    own(l, slot(l), -1, list);
    lua_rawgeti(l, -1, (*it).cursor.at as i64);
    1
}

unsafe extern "C-unwind" fn next_of_map(l: *mut lua_State) -> c_int {
    let it = check(l, 1, ITER);
    if lua_getiuservalue(l, 1, 1) != LUA_TTABLE || (*it).cursor.at >= lua_rawlen(l, -1) {
        return 0;
    }
    let entries = lua_gettop(l);
    let at = (*it).cursor.at as i64;
    (*it).cursor.at += 2;
    let mut pushed = 0;
    for (part, offset) in [(KEYS, 1), (VALUES, 2)] {
        if (*it).body & part != 0 {
            lua_rawgeti(l, entries, at + offset);
            if lua_type(l, -1) == LUA_TLIGHTUSERDATA {
                lua_pop(l, 1);
                lua_pushnil(l);
            }
            pushed += 1;
        }
    }
    pushed
}

unsafe extern "C-unwind" fn next(l: *mut lua_State) -> c_int {
    let it = check(l, 1, ITER);
    let n = if (*it).body == 0 {
        next_of_list(l)
    } else {
        next_of_map(l)
    };
    if n == 0 {
        lua_pushnil(l);
        return 1;
    }
    n
}

unsafe extern "C-unwind" fn has_next(l: *mut lua_State) -> c_int {
    let it = check(l, 1, ITER);
    let n = if (*it).body == 0 {
        let list = (*it).data.cast::<Head>();
        if list.is_null() { 0 } else { (*list).n }
    } else {
        lua_getiuservalue(l, 1, 1);
        lua_rawlen(l, -1)
    };
    lua_pushboolean(l, ((*it).cursor.at < n).into());
    1
}

/// Makes the class, and pushes the table of functions and that with `__call`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    metatable(l, s, ITER, &[]);
    lua_createtable(l, 0, 2);
    register(l, s, &[(c"next", next), (c"has_next", has_next)]);
    lua_rawgeti(
        l,
        LUA_REGISTRYINDEX,
        (&(*s).refs.metatables)[usize::from(ITER)].into(),
    );
    lua_pushvalue(l, -2);
    lua_setfield(l, -2, c"__index".as_ptr());
    lua_pop(l, 1);
    lua_createtable(l, 0, 3);
}
