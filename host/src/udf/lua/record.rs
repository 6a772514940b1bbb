//! The record as Lua code sees it: `rec.bin` and the `record` functions.

use std::ffi::{CStr, c_int};
use std::ptr;

use bytes::Bytes;
use mlua::ffi::*;
use tracing::Level;

use super::list::fits;
use super::object::{
    GEO, LIST, MAP, REC, check, fail, head, metatable, push_bytes, push_geo, push_packed, push_str,
    push_value, register,
};
use super::pack::to_value;
use super::pulse::Trip;
use super::shared::freeze;
use super::slot::{Cached, Slot, slot};
use super::watchdog::give_up;
use crate::change::{RecordContext, Scope};
use crate::model::{BinName, MAX_BIN_NAME, ParticleType, Ttl, Value, msgpack};

/// The record of the invocation; raises an error outside of one.
///
/// # Safety
/// The [stack rules](super); the reference is used no longer than the slot's, and is the only
/// one. Raises.
#[inline]
pub(super) unsafe fn context<'a>(l: *mut lua_State, s: &Slot) -> &'a mut RecordContext {
    match s.context.as_mut() {
        Some(c) => c,
        None => fail(l, c"there is no record here, only while one is worked on"),
    }
}

/// The names and the clock of the invocation; raises an error outside of one.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn scope<'a>(l: *mut lua_State, s: &Slot) -> &'a Scope {
    match s.scope.as_ref() {
        Some(c) => c,
        None => fail(l, c"there is no record here, only while one is worked on"),
    }
}

fn cached(s: &Slot, name: &[u8]) -> Option<usize> {
    s.cache.iter().position(|c| c.name.as_bytes() == name)
}

/// Remembers the object on top of the stack as the bin's value.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn remember(l: *mut lua_State, s: &mut Slot, name: BinName, set: bool) {
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.cache.into());
    lua_pushvalue(l, -2);
    let at = cached(s, name.as_bytes());
    lua_rawseti(l, -2, at.unwrap_or(s.cache.len()) as i64 + 1);
    lua_pop(l, 1);
    match at {
        Some(i) => s.cache[i].set = set,
        None => s.cache.push(Cached { name, set }),
    }
}

/// Forgets all objects.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn forget(l: *mut lua_State, s: &mut Slot) {
    if s.cache.is_empty() {
        return;
    }
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.cache.into());
    for i in 1..=s.cache.len() {
        lua_pushnil(l);
        lua_rawseti(l, -2, i as i64);
    }
    lua_pop(l, 1);
    s.cache.clear();
}

/// The name at 2; nil is none, and what cannot be one raises.
///
/// # Safety
/// The [stack rules](super); the name is good while it is in reach of Lua. Raises.
#[inline]
unsafe fn name<'a>(l: *mut lua_State) -> Option<&'a [u8]> {
    let mut len = 0;
    let p = lua_tolstring(l, 2, &raw mut len);
    if p.is_null() {
        luaL_optlstring(l, 2, ptr::null(), ptr::null_mut());
        return None;
    }
    Some(std::slice::from_raw_parts(p.cast(), len))
}

unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    let context = context(l, s);
    let Some(name) = name(l) else {
        lua_pushnil(l);
        return 1;
    };
    if !s.cache.is_empty()
        && let Some(i) = cached(s, name)
    {
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.cache.into());
        lua_rawgeti(l, -1, i as i64 + 1);
        return 1;
    }
    match context.changed_bin(name) {
        Some(Value::Int(i)) => {
            lua_pushinteger(l, *i);
            return 1;
        }
        Some(value) => {
            push_value(l, s, value);
            return 1;
        }
        None => {}
    }
    let Some(p) = context.stored_bin(name) else {
        lua_pushnil(l);
        return 1;
    };
    match p.kind {
        ParticleType::INTEGER => lua_pushinteger(l, p.as_int().unwrap_or(0)),
        ParticleType::FLOAT => lua_pushnumber(l, p.as_float().unwrap_or(0.0)),
        ParticleType::BOOL => lua_pushboolean(l, p.as_bool().unwrap_or(false).into()),
        ParticleType::STRING => push_str(l, p.data),
        ParticleType::NULL => lua_pushnil(l),
        kind => {
            match kind {
                ParticleType::LIST => push_packed(l, s, LIST, p.data),
                ParticleType::MAP => push_packed(l, s, MAP, p.data),
                ParticleType::GEOJSON => push_geo(l, s, msgpack::geo_text(p.data)),
                kind => push_bytes(l, s, kind, p.data),
            }
            if let Some(name) = BinName::new(name) {
                remember(l, s, name, false);
            }
        }
    }
    1
}

unsafe extern "C-unwind" fn newindex(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    let context = context(l, s);
    let Some(name) = name(l) else {
        return 0;
    };
    let h = head(l, 3);
    let Some(name) = BinName::new(until_zero(name)) else {
        return unnamed(l, s, name);
    };
    if s.reads_only {
        return match fits(l, 3) {
            true => 0,
            false => unsupported(l),
        };
    }
    if h.is_null() {
        if let Some(i) = cached(s, name.as_bytes()) {
            s.cache[i].set = false;
            uncache(l, s, i);
        }
        if lua_isinteger(l, 3) != 0 {
            // Made where it is wanted: to move a value that was just written costs more.
            context.set_bin(name, Value::Int(lua_tointegerx(l, 3, ptr::null_mut())));
            return 0;
        }
        match to_value(l, 3, &mut s.scratch) {
            Ok(value) => set_bin(l, s, context, name, value),
            Err(_) => return unsupported(l),
        }
        return 0;
    }
    // A collection is stored as it is when the record is: until then, a value of its kind
    // tells that the bin is there.
    let stand_in = match (*h).tag {
        LIST => Value::List(Bytes::new()),
        MAP => Value::Map(Bytes::new()),
        GEO => Value::Geo(Bytes::new()),
        REC.. => return unsupported(l),
        _ => Value::Blob(ParticleType::BLOB, Bytes::new()),
    };
    context.set_bin(name, stand_in);
    lua_settop(l, 3);
    remember(l, s, name, true);
    0
}

/// A name as clients in C read it, if it is not too long anyway.
#[inline]
fn until_zero(name: &[u8]) -> &[u8] {
    let mut start = name.iter().take(MAX_BIN_NAME + 1);
    start.position(|b| *b == 0).map_or(name, |at| &name[..at])
}

/// A bin is set by a name that it cannot have: one that is too long sets nothing, as modules may
/// count on, but the log tells of it.
///
/// # Safety
/// The [stack rules](super), with the bin's name at 2. Raises.
unsafe fn unnamed(l: *mut lua_State, s: &mut Slot, name: &[u8]) -> c_int {
    if matches!(lua_type(l, 3), LUA_TTABLE | LUA_TFUNCTION | LUA_TTHREAD) {
        return unsupported(l);
    }
    if until_zero(name).is_empty() {
        fail(l, c"a bin has to have a name");
    }
    s.scratch.clear();
    s.scratch
        .extend_from_slice(b"no bin is set: its name is longer than 15 bytes: ");
    s.scratch.extend_from_slice(name);
    s.log.write(Level::WARN, &s.scratch);
    0
}

/// Sets a bin, whose bytes count against the memory limit as if Lua held them.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn set_bin(
    l: *mut lua_State,
    s: &mut Slot,
    context: &mut RecordContext,
    name: BinName,
    value: Value,
) {
    s.written += value.heap_bytes();
    context.set_bin(name, value);
    if s.written > s.memory {
        s.pulse.end(Trip::Memory);
        give_up(l, Trip::Memory);
    }
}

/// Takes an object out of the cache, filling its place with the last one.
///
/// # Safety
/// The [stack rules](super), for an `i` that is in use. Raises nothing.
unsafe fn uncache(l: *mut lua_State, s: &mut Slot, i: usize) {
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.cache.into());
    let last = s.cache.len() as i64;
    lua_rawgeti(l, -1, last);
    lua_rawseti(l, -2, i as i64 + 1);
    lua_pushnil(l);
    lua_rawseti(l, -2, last);
    lua_pop(l, 1);
    s.cache.swap_remove(i);
}

/// Raises that a bin cannot hold the value.
///
/// # Safety
/// The [stack rules](super), with the bin's name at 2. Raises.
unsafe fn unsupported(l: *mut lua_State) -> c_int {
    luaL_error(
        l,
        c"can't set bin %s to unsupported type".as_ptr(),
        lua_tostring(l, 2),
    )
}

unsafe extern "C-unwind" fn ttl(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    lua_pushinteger(l, context(l, s).ttl(scope(l, s)).into());
    1
}

unsafe extern "C-unwind" fn set_ttl(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let ttl = luaL_optinteger(l, 2, 0);
    let s = slot(l);
    if !s.reads_only {
        context(l, s).set_ttl(Ttl::from_wire(ttl as u32));
    }
    0
}

unsafe extern "C-unwind" fn gen_(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    lua_pushinteger(l, context(l, slot(l)).meta().generation.into());
    1
}

unsafe extern "C-unwind" fn last_update_time(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    lua_pushinteger(l, context(l, slot(l)).meta().last_update as i64);
    1
}

unsafe extern "C-unwind" fn size(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let n = context(l, slot(l))
        .base()
        .map_or(0, |r| r.body.as_bytes().len());
    lua_pushinteger(l, n as i64);
    1
}

unsafe extern "C-unwind" fn key(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    let context = context(l, s);
    if !context.exists() {
        lua_pushnil(l);
        return 1;
    }
    match (context.user_key(), context.caller_key()) {
        (Some(p), _) => match p.kind {
            ParticleType::INTEGER => lua_pushinteger(l, p.as_int().unwrap_or(0)),
            ParticleType::STRING => push_str(l, p.data),
            kind => push_bytes(l, s, kind, p.data),
        },
        (None, Some(key)) => push_value(l, s, key),
        (None, None) => lua_pushnil(l),
    }
    1
}

unsafe extern "C-unwind" fn setname(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    let context = context(l, s);
    match scope(l, s).set_name(context.set()) {
        name if context.exists() && !name.is_empty() => push_str(l, name.as_bytes()),
        _ => lua_pushnil(l),
    }
    1
}

unsafe extern "C-unwind" fn digest(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    push_bytes(l, s, ParticleType::BLOB, &context(l, s).digest().0);
    1
}

unsafe extern "C-unwind" fn numbins(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let n = context(l, slot(l)).saved_names().len();
    lua_pushinteger(l, n as i64);
    1
}

unsafe extern "C-unwind" fn bin_names(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    let s = slot(l);
    let context = context(l, s);
    if !context.exists() {
        fail(l, c"can't get bin names");
    }
    let n = list_names(context, &mut s.scratch);
    lua_createtable(l, n, 0);
    let mut rest = s.scratch.as_slice();
    for i in 1..=n {
        let Some((len, after)) = rest.split_first() else {
            break;
        };
        let (name, after) = after.split_at(usize::from(*len).min(after.len()));
        push_str(l, name);
        lua_rawseti(l, -2, i.into());
        rest = after;
    }
    1
}

/// Writes the names into `out`, each behind its length; returns how many.
fn list_names(context: &RecordContext, out: &mut Vec<u8>) -> c_int {
    out.clear();
    let names = context.saved_names();
    for name in &names {
        out.push(name.len() as u8);
        out.extend_from_slice(name);
    }
    names.len() as c_int
}

unsafe extern "C-unwind" fn drop_key(l: *mut lua_State) -> c_int {
    check(l, 1, REC);
    context(l, slot(l)).drop_key();
    0
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"ttl", ttl),
    (c"set_ttl", set_ttl),
    (c"gen", gen_),
    (c"last_update_time", last_update_time),
    (c"size", size),
    (c"memory_size", size),
    (c"device_size", size),
    (c"key", key),
    (c"setname", setname),
    (c"digest", digest),
    (c"numbins", numbins),
    (c"bin_names", bin_names),
    (c"drop_key", drop_key),
];

/// Makes the class, and pushes the table of functions and an empty one.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    let methods = &[
        (c"__index", index as lua_CFunction),
        (c"__newindex", newindex),
    ];
    metatable(l, s, REC, methods);
    lua_createtable(l, 0, 2);
    register(l, s, methods);
    lua_createtable(l, 0, 4);
    freeze(l, s);
    lua_rawgeti(
        l,
        LUA_REGISTRYINDEX,
        (&(*s).refs.metatables)[usize::from(REC)].into(),
    );
    lua_insert(l, -2);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    lua_pop(l, 1);
    super::object::new_object(l, &*s, REC, 0);
    (*s).refs.record = luaL_ref(l, LUA_REGISTRYINDEX);
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    lua_createtable(l, 0, 3);
}
