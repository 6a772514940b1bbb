//! The world that a module runs in: which standard functions there are, and their shields.
//!
//! Tables that all calls share are seen through proxies, so that what a call changes can be undone
//! after it. Globals live in an environment table that is empty between calls; what it lacks is
//! found behind it.

use std::ffi::{CStr, c_int};

use mlua::ffi::*;

use super::object::{AERO, BYTES, GEO, ITER, LIST, MAP, Tag, new_object, register};
use super::shared::freeze;
use super::slot::Slot;
use super::{
    aerospike, blob, geo, guard, iterator, list, map, outside, pattern, record, table_functions,
};

/// What is kept of the base library.
const BASE: &[&CStr] = &[
    c"assert",
    c"error",
    c"getmetatable",
    c"ipairs",
    c"next",
    c"pairs",
    c"rawequal",
    c"rawget",
    c"rawlen",
    c"select",
    c"tonumber",
    c"tostring",
    c"type",
    c"_VERSION",
];

/// What is kept of the `os` library.
const OS: &[&CStr] = &[c"clock", c"date", c"difftime", c"time"];

/// Copies fields from the table at `from` to the table on top.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn copy(l: *mut lua_State, from: c_int, names: &[&CStr]) {
    let from = lua_absindex(l, from);
    for name in names {
        lua_getfield(l, from, name.as_ptr());
        lua_setfield(l, -2, name.as_ptr());
    }
}

/// Replaces functions in the table on top, giving each the original of its name in the
/// table at `from` as its second upvalue.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn wrap(l: *mut lua_State, s: *mut Slot, from: c_int, functions: &[(&CStr, lua_CFunction)]) {
    let from = lua_absindex(l, from);
    for (name, f) in functions {
        lua_pushlightuserdata(l, s.cast());
        lua_getfield(l, from, name.as_ptr());
        lua_pushcclosure(l, *f, 2);
        lua_setfield(l, -2, name.as_ptr());
    }
}

/// Opens a standard library and leaves its table on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn open(l: *mut lua_State, name: &CStr, f: lua_CFunction) {
    luaL_requiref(l, name.as_ptr(), f, 0);
}

/// Freezes the library on top of the stack into the standard table at `standard`.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn publish(l: *mut lua_State, s: *mut Slot, standard: c_int, name: &CStr) {
    lua_createtable(l, 0, 4);
    freeze(l, s);
    lua_setfield(l, standard, name.as_ptr());
}

/// Freezes a class (its functions and its metatable are on top) under one or two names.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn publish_class(
    l: *mut lua_State,
    s: *mut Slot,
    standard: c_int,
    tag: Option<Tag>,
    names: &[&CStr],
) {
    freeze(l, s);
    if let Some(tag) = tag {
        let metatable = (&(*s).refs.metatables)[usize::from(tag)];
        lua_rawgeti(l, LUA_REGISTRYINDEX, metatable.into());
        lua_pushvalue(l, -2);
        lua_setfield(l, -2, c"__metatable".as_ptr());
        lua_pop(l, 1);
    }
    for name in names {
        lua_pushvalue(l, -1);
        lua_setfield(l, standard, name.as_ptr());
    }
    lua_pop(l, 1);
}

/// Fills a fresh state. Raises Lua errors: call it protected.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn build(l: *mut lua_State, s: *mut Slot) {
    luaL_checkstack(l, 40, std::ptr::null());
    open(l, c"_G", luaopen_base);
    let base = lua_gettop(l);
    lua_createtable(l, 0, 64);
    let standard = lua_gettop(l);
    copy(l, base, BASE);
    register(l, s, guard::BASE);
    wrap(l, s, base, guard::BASE_WITH_ORIGINAL);

    open(l, c"string", luaopen_string);
    lua_pushnil(l);
    lua_setfield(l, -2, c"dump".as_ptr());
    register(l, s, pattern::FUNCTIONS);
    wrap(l, s, -1, guard::STRING_WITH_ORIGINAL);
    publish(l, s, standard, c"string");
    // Strings index the library itself, which is out of reach behind this.
    lua_pushstring(l, c"".as_ptr());
    lua_getmetatable(l, -1);
    lua_createtable(l, 0, 1);
    lua_getfield(l, standard, c"string".as_ptr());
    lua_setfield(l, -2, c"__index".as_ptr());
    lua_createtable(l, 0, 4);
    freeze(l, s);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    lua_pop(l, 2);

    open(l, c"table", luaopen_table);
    register(l, s, table_functions::FUNCTIONS);
    publish(l, s, standard, c"table");

    open(l, c"coroutine", luaopen_coroutine);
    register(l, s, guard::COROUTINE);
    publish(l, s, standard, c"coroutine");

    open(l, c"utf8", luaopen_utf8);
    publish(l, s, standard, c"utf8");

    open(l, c"os", luaopen_os);
    lua_createtable(l, 0, OS.len() as c_int);
    copy(l, -2, OS);
    wrap(l, s, -2, guard::OS_WITH_ORIGINAL);
    lua_replace(l, -2);
    publish(l, s, standard, c"os");

    lua_createtable(l, 16, 0);
    (*s).refs.cache = luaL_ref(l, LUA_REGISTRYINDEX);
    list::open(l, s);
    publish_class(l, s, standard, Some(LIST), &[c"list", c"List"]);
    map::open(l, s);
    publish_class(l, s, standard, Some(MAP), &[c"map", c"Map"]);
    blob::open(l, s);
    publish_class(l, s, standard, Some(BYTES), &[c"bytes", c"Bytes"]);
    geo::open(l, s);
    publish_class(l, s, standard, Some(GEO), &[c"geojson", c"GeoJSON"]);
    iterator::open(l, s);
    publish_class(l, s, standard, Some(ITER), &[c"iterator", c"Iterator"]);
    record::open(l, s);
    publish_class(l, s, standard, None, &[c"record"]);
    aerospike::open(l, s);
    publish_class(l, s, standard, Some(AERO), &[c"Aerospike"]);
    new_object(l, &*s, AERO, 0);
    lua_setfield(l, standard, c"aerospike".as_ptr());
    // Streams have their operations as methods, once there is one; the name alone is known before.
    lua_createtable(l, 0, 0);
    publish(l, s, standard, c"stream");

    if outside::open(l, s) {
        publish(l, s, standard, c"petrel");
    }

    open(l, c"math", luaopen_math);
    let prelude = include_str!("prelude.lua");
    lua_pushvalue(l, standard);
    lua_rawseti(l, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    let status = luaL_loadbufferx(
        l,
        prelude.as_ptr().cast(),
        prelude.len(),
        c"=prelude".as_ptr(),
        c"t".as_ptr(),
    );
    if status != LUA_OK {
        lua_error(l);
    }
    lua_pushvalue(l, -2);
    open(l, c"table", luaopen_table);
    lua_call(l, 2, 0);
    lua_getfield(l, -1, c"randomseed".as_ptr());
    (*s).refs.randomseed = luaL_ref(l, LUA_REGISTRYINDEX);
    register(l, s, guard::MATH);
    publish(l, s, standard, c"math");

    lua_createtable(l, 0, 0);
    lua_createtable(l, 0, 2);
    lua_pushvalue(l, standard);
    lua_setfield(l, -2, c"__index".as_ptr());
    lua_pushboolean(l, 0);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    lua_setmetatable(l, -2);
    lua_pushvalue(l, -1);
    lua_setfield(l, standard, c"_G".as_ptr());
    lua_pushvalue(l, -1);
    lua_rawseti(l, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    (*s).refs.environment = luaL_ref(l, LUA_REGISTRYINDEX);

    lua_createtable(l, 0, 0);
    (*s).refs.chunks = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_createtable(l, 0, 0);
    (*s).refs.loaded = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_createtable(l, 0, 0);
    (*s).refs.changes = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_pushcclosure(l, super::arguments::push_arguments, 0);
    (*s).refs.pusher = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_pushvalue(l, standard);
    (*s).refs.standard = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_settop(l, base - 1);
}
