//! What `list.iterator`, `map.pairs`, `map.keys` and `map.values` hand to a `for` loop.

use std::ffi::c_int;

use mlua::ffi::*;

use super::map::{push_plain, push_sorted_keys};
use super::object::{Head, ITER, MAP, check, metatable, new_object, push_element, register};
use super::pack::key_at;
use super::packed::push_next;
use super::slot::{Slot, slot};
use super::table::own;
use crate::cdt::Cursor;

// An iterator's user value is what it walks: a list, or the table of a map's keys. Its `cursor` is
// at the element or entry it gave last, its `body` says which of key (1) and value (2) it gives.
// One over a map has the entries that were there when it was made and still are, as they are.
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
    push_sorted_keys(l, s, 1);
    let it = new_object(l, s, ITER, 0);
    lua_insert(l, -2);
    (*it).n = lua_rawlen(l, -1);
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
    if !push_entry(l, it) {
        return 0;
    }
    (*it).cursor.at += 1;
    let (key, value) = (lua_gettop(l) - 1, lua_gettop(l));
    let mut pushed = 0;
    if (*it).body & KEYS != 0 {
        push_element(l, slot(l), key_at(l, key));
        pushed += 1;
    }
    if (*it).body & VALUES != 0 {
        push_plain(l, value);
        pushed += 1;
    }
    pushed
}

/// Moves the iterator `it` over a map on to the next entry that is still there, and pushes its key
/// and value as the map's table has them. Returns false when there is none.
///
/// # Safety
/// The [stack rules](super), for the iterator at 1. Raises.
unsafe fn push_entry(l: *mut lua_State, it: *mut Head) -> bool {
    if lua_getiuservalue(l, 1, 1) != LUA_TTABLE {
        return false;
    }
    let keys = lua_gettop(l);
    lua_rawgeti(l, keys, 0);
    while (*it).cursor.at < (*it).n {
        lua_rawgeti(l, keys, (*it).cursor.at as i64 + 1);
        lua_pushvalue(l, -1);
        if lua_rawget(l, keys + 1) != LUA_TNIL {
            return true;
        }
        lua_settop(l, keys + 1);
        (*it).cursor.at += 1;
    }
    false
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
    let has = if (*it).body == 0 {
        let list = (*it).data.cast::<Head>();
        !list.is_null() && (*it).cursor.at < (*list).n
    } else {
        push_entry(l, it)
    };
    lua_pushboolean(l, has.into());
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
    lua_createtable(l, 0, 4);
    // It is called with the class itself, and so always fails.
    register(l, s, &[(c"__call", next)]);
}
