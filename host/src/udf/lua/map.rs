//! `map`: the constructor, its functions, and what `m[k]`, `#m` and iteration do.

use std::ffi::{CStr, c_int};

use mlua::ffi::*;
use smallvec::SmallVec;

use super::iterator::{map_keys, map_pairs, map_values};
use super::list::{fits, push_packed_size};
use super::object::{BYTES, Head, MAP, REC, check, head, metatable, push_empty, register};
use super::pack::{key_at, scalar};
use super::packed::{edit, push_under};
use super::slot::{Slot, check_overdue, pause, slot};
use super::table::{own, push_key, set_entry};
use super::text::tostring;
use crate::cdt::map;
use crate::model::ParticleType;
use crate::model::msgpack::Element;

/// Whether the value at `index` can be a key: an integer, a string or bytes. (Stored maps can have
/// others, which stay, but are out of the reach of Lua code.)
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn is_key(l: *mut lua_State, index: c_int) -> bool {
    match lua_type(l, index) {
        LUA_TNUMBER => lua_isinteger(l, index) != 0,
        LUA_TSTRING => true,
        LUA_TUSERDATA => {
            let h = head(l, index);
            (*h).tag == BYTES && (*h).kind == ParticleType::BLOB.0
        }
        _ => false,
    }
}

/// Pushes the value under the key at `key`, or nil; `map` is a stack index.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn get(l: *mut lua_State, map: c_int, key: c_int) {
    let h = check(l, map, MAP);
    if !is_key(l, key) {
        return lua_pushnil(l);
    }
    if !(*h).owned
        && let Some(key) = scalar(l, key)
        && push_under(l, h, key)
    {
        return;
    }
    own(l, slot(l), map, h);
    push_key(l, slot(l), key);
    lua_rawget(l, -2);
    if lua_type(l, -1) == LUA_TLIGHTUSERDATA {
        lua_pop(l, 1);
        lua_pushnil(l);
    }
}

unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    get(l, 1, 2);
    1
}

/// Sets the entry with the key at `key` of the table at `table`.
///
/// # Safety
/// The [stack rules](super), for the table of a map at `table`, and a key and a value that fit.
/// Raises.
unsafe fn set(l: *mut lua_State, table: c_int, key: c_int, value: c_int) {
    if push_key(l, slot(l), key) {
        lua_pushvalue(l, value);
        set_entry(l, table);
    }
}

unsafe extern "C-unwind" fn newindex(l: *mut lua_State) -> c_int {
    let h = check(l, 1, MAP);
    lua_settop(l, 3);
    if !is_key(l, 2) {
        return 0;
    }
    if !fits(l, 3) {
        let object = head(l, 3);
        let is_record = !object.is_null() && (*object).tag == REC;
        return if is_record { 0 } else { remove(l) };
    }
    let changed = !(*h).owned
        && match (scalar(l, 2), scalar(l, 3)) {
            (Some(key), Some(value)) => edit(l, slot(l), 1, h, |map, out| {
                map::put(map, &key, &value, out)
            }),
            _ => false,
        };
    if !changed {
        own(l, slot(l), 1, h);
        set(l, 4, 2, 3);
    }
    0
}

unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    let h = check(l, 1, MAP);
    lua_settop(l, 2);
    if !is_key(l, 2) {
        return 0;
    }
    let changed = match scalar(l, 2) {
        Some(key) if !(*h).owned => edit(l, slot(l), 1, h, |map, out| map::remove(map, &key, out)),
        _ => false,
    };
    if !changed {
        own(l, slot(l), 1, h);
        push_key(l, slot(l), 2);
        lua_pushnil(l);
        lua_rawset(l, 3);
    }
    0
}

/// How many entries the map has; `index` is its place on the stack.
///
/// # Safety
/// The [stack rules](super), for the map `h`. Raises.
unsafe fn count(l: *mut lua_State, index: c_int, h: *mut Head) -> usize {
    if !(*h).owned {
        return (*h).n;
    }
    lua_getiuservalue(l, index, 1);
    let table = lua_gettop(l);
    let mut n = 0;
    lua_pushnil(l);
    while lua_next(l, table) != 0 {
        lua_pop(l, 1);
        n += 1;
        pause(l, n);
    }
    lua_settop(l, table - 1);
    n
}

unsafe extern "C-unwind" fn size(l: *mut lua_State) -> c_int {
    let h = check(l, 1, MAP);
    lua_settop(l, 1);
    lua_pushinteger(l, count(l, 1, h) as i64);
    1
}

/// Pushes a table of the map's keys, as its table has them, in their order, and under 0 that table.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_sorted_keys(l: *mut lua_State, s: &mut Slot, index: c_int) {
    let h = check(l, index, MAP);
    own(l, s, index, h);
    let table = lua_gettop(l);
    let n = count(l, index, h);
    lua_createtable(l, c_int::try_from(n).unwrap_or(0), 1);
    lua_pushnil(l);
    let mut i = 0;
    while lua_next(l, table) != 0 {
        lua_pop(l, 1);
        lua_pushvalue(l, -1);
        i += 1;
        pause(l, i as usize);
        lua_rawseti(l, table + 1, i);
    }
    sort(l, table + 1, i);
    lua_insert(l, table);
    lua_rawseti(l, table, 0);
}

/// Sorts the keys 1 to `n` of the table, by reading them out and writing them back.
///
/// # Safety
/// The [stack rules](super), for keys as a map's table has them. Raises.
unsafe fn sort(l: *mut lua_State, table: c_int, n: i64) {
    // Sorted already (as most maps of few keys are not): nothing to write back.
    let order = sorted_order(l, table, n);
    if order.is_null() {
        return;
    }
    lua_createtable(l, c_int::try_from(n).unwrap_or(0), 0);
    let copy = lua_gettop(l);
    for i in 1..=n {
        pause(l, i as usize);
        lua_rawgeti(l, table, i);
        lua_rawseti(l, copy, i);
    }
    for i in 1..=n {
        lua_rawgeti(l, copy, (*order.add(i as usize - 1)).into());
        lua_rawseti(l, table, i);
    }
    lua_pop(l, 2);
}

/// Where each key comes from, in memory that Lua owns and that is left on the stack; null,
/// with nothing pushed, when the keys are sorted.
///
/// # Safety
/// The [stack rules](super), as [`sort`]. Raises.
unsafe fn sorted_order(l: *mut lua_State, table: c_int, n: i64) -> *mut u32 {
    let mut sorted = true;
    for i in 2..=n {
        pause(l, i as usize);
        lua_rawgeti(l, table, i - 1);
        lua_rawgeti(l, table, i);
        sorted &= key_at(l, -2).compare(&key_at(l, -1)).is_lt();
        lua_pop(l, 2);
    }
    if sorted {
        return std::ptr::null_mut();
    }
    let order = lua_newuserdatauv(l, n as usize * size_of::<u32>(), 0).cast::<u32>();
    // Nothing below raises an error, so that the vector is dropped as usual.
    let mut keys: SmallVec<[(Element<'_>, u32); 32]> = SmallVec::new();
    for i in 1..=n {
        lua_rawgeti(l, table, i);
        keys.push((key_at(l, -1), i as u32));
        lua_pop(l, 1);
    }
    keys.sort_unstable_by(|a, b| a.0.compare(&b.0));
    for (i, (_, from)) in keys.iter().enumerate() {
        order.add(i).write(*from);
    }
    order
}

unsafe extern "C-unwind" fn new(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 1 || luaL_optinteger(l, 1, 0) < 1 {
        return 0;
    }
    push_empty(l, slot(l), MAP, 0);
    1
}

/// `map{...}`: the entries of a table.
unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    luaL_optinteger(l, 3, 0);
    let given = matches!(lua_gettop(l), 2 | 3) && lua_type(l, 2) == LUA_TTABLE;
    lua_settop(l, 2);
    push_empty(l, slot(l), MAP, if given { 4 } else { 0 });
    if given {
        lua_getiuservalue(l, 3, 1);
        lua_pushnil(l);
        while lua_next(l, 2) != 0 {
            check_overdue(l);
            if is_key(l, 5) && fits(l, 6) {
                set(l, 4, 5, 6);
            }
            lua_settop(l, 5);
        }
        lua_settop(l, 3);
    }
    1
}

/// Pushes a copy of the map at 1, and its table.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn push_copy(l: *mut lua_State) {
    let h = check(l, 1, MAP);
    own(l, slot(l), 1, h);
    let from = lua_gettop(l);
    push_empty(l, slot(l), MAP, 4);
    lua_getiuservalue(l, -1, 1);
    lua_pushnil(l);
    while lua_next(l, from) != 0 {
        check_overdue(l);
        lua_pushvalue(l, -2);
        lua_insert(l, -2);
        lua_rawset(l, from + 2);
    }
}

unsafe extern "C-unwind" fn clone(l: *mut lua_State) -> c_int {
    push_copy(l);
    lua_pop(l, 1);
    1
}

/// Whether the value at `index` of a map's table is true for Lua: it is there, not false, and not
/// the light userdata that stands for nil.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn is_true(l: *mut lua_State, index: c_int) -> bool {
    lua_type(l, index) != LUA_TLIGHTUSERDATA && lua_toboolean(l, index) != 0
}

/// Pushes the value at `index` of a map's table as Lua code sees it.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn push_plain(l: *mut lua_State, index: c_int) {
    if lua_type(l, index) == LUA_TLIGHTUSERDATA {
        lua_pushnil(l);
    } else {
        lua_pushvalue(l, index);
    }
}

/// `map.merge(m1, m2, f)`: all entries of both; where both have one and the first's is true, `f`
/// decides if what it gives is true, else the second's stands. What no map can hold is left out.
unsafe extern "C-unwind" fn merge(l: *mut lua_State) -> c_int {
    check(l, 1, MAP);
    let other = check(l, 2, MAP);
    lua_settop(l, 3);
    push_copy(l);
    // Stack: m1, m2, f, m1's table, the copy, its table, m2's table, key, value.
    own(l, slot(l), 2, other);
    lua_pushnil(l);
    while lua_next(l, 7) != 0 {
        check_overdue(l);
        lua_pushvalue(l, 8);
        lua_rawget(l, 4);
        if is_true(l, 10) && lua_type(l, 3) == LUA_TFUNCTION {
            lua_pushvalue(l, 3);
            lua_pushvalue(l, 10);
            push_plain(l, 9);
            lua_call(l, 2, 1);
            if lua_toboolean(l, -1) != 0 {
                if !fits(l, -1) {
                    lua_pushnil(l);
                }
                lua_replace(l, 9);
            }
        }
        lua_settop(l, 9);
        lua_pushvalue(l, 8);
        lua_insert(l, 9);
        lua_rawset(l, 6);
    }
    lua_settop(l, 5);
    1
}

/// `map.diff(m1, m2)`: the entries of each for whose keys the other has nothing true.
unsafe extern "C-unwind" fn diff(l: *mut lua_State) -> c_int {
    let (a, b) = (check(l, 1, MAP), check(l, 2, MAP));
    lua_settop(l, 2);
    own(l, slot(l), 1, a);
    own(l, slot(l), 2, b);
    push_empty(l, slot(l), MAP, 0);
    lua_getiuservalue(l, 5, 1);
    for (here, there) in [(3, 4), (4, 3)] {
        lua_pushnil(l);
        while lua_next(l, here) != 0 {
            check_overdue(l);
            lua_pushvalue(l, 7);
            lua_rawget(l, there);
            if !is_true(l, 9) {
                lua_pushvalue(l, 7);
                lua_pushvalue(l, 8);
                lua_rawset(l, 6);
            }
            lua_settop(l, 7);
        }
    }
    lua_settop(l, 5);
    1
}

unsafe extern "C-unwind" fn nbytes(l: *mut lua_State) -> c_int {
    check(l, 1, MAP);
    push_packed_size(l)
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"new", new),
    (c"create", new),
    (c"iterator", map_pairs),
    (c"pairs", map_pairs),
    (c"keys", map_keys),
    (c"values", map_values),
    (c"remove", remove),
    (c"size", size),
    (c"nbytes", nbytes),
    (c"tostring", tostring::<MAP>),
    (c"clone", clone),
    (c"merge", merge),
    (c"diff", diff),
];

/// Makes the class, and pushes the table of functions and that with `__call`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    metatable(
        l,
        s,
        MAP,
        &[
            (c"__index", index),
            (c"__newindex", newindex),
            (c"__len", size),
            (c"__tostring", tostring::<MAP>),
        ],
    );
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    lua_createtable(l, 0, 4);
    register(l, s, &[(c"__call", call)]);
}
