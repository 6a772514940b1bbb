//! The way of values out of Lua. Nothing here raises Lua errors, so that buffers can be used as
//! usual and results can be read outside of a protected call.

use std::ffi::c_int;
use std::ptr;

use bytes::Bytes;
use mlua::ffi::*;
use smallvec::SmallVec;

use super::object::{BYTES, GEO, Head, LIST, MAP, head, raw_str};
use super::pulse::Pulse;
use super::watchdog::on_duty;
use crate::model::msgpack::{self, Element, MAX_DEPTH, Reader};
use crate::model::{ParticleType, Value};

/// The longest packed value, in bytes. A list can hold another many times, so a few
/// kilobytes of Lua memory can stand for more bytes than there are.
const MAX_PACKED: usize = 16 << 20;

/// A Lua value that no bin, list or map can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unpackable {
    /// A table, a function or the like.
    Type,
    /// It is longer than [`MAX_PACKED`], nests deeper than [`MAX_DEPTH`], or holds itself.
    Size,
    /// The invocation has to end.
    Overdue,
}

/// Appends the value at `index` in packed form.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn pack(
    l: *mut lua_State,
    index: c_int,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    if out.len() > MAX_PACKED {
        return Err(Unpackable::Size);
    }
    match lua_type(l, index) {
        LUA_TNIL => msgpack::pack_nil(out),
        LUA_TLIGHTUSERDATA if lua_touserdata(l, index).is_null() => msgpack::pack_nil(out),
        LUA_TBOOLEAN => msgpack::pack_bool(lua_toboolean(l, index) != 0, out),
        LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
            msgpack::pack_int(lua_tointegerx(l, index, ptr::null_mut()), out);
        }
        LUA_TNUMBER => msgpack::pack_float(lua_tonumberx(l, index, ptr::null_mut()), out),
        LUA_TSTRING => msgpack::pack_bytes(ParticleType::STRING, raw_str(l, index), out),
        LUA_TUSERDATA => return pack_object(l, index, out, depth),
        _ => return Err(Unpackable::Type),
    }
    Ok(())
}

/// The value at `index` if it is no object: nil, a boolean, a number or a string.
///
/// # Safety
/// The [stack rules](super); a string is good while it is in reach of Lua. Raises nothing.
#[inline]
pub(super) unsafe fn scalar<'a>(l: *mut lua_State, index: c_int) -> Option<Element<'a>> {
    Some(match lua_type(l, index) {
        LUA_TNIL => Element::Nil,
        LUA_TBOOLEAN => Element::Bool(lua_toboolean(l, index) != 0),
        LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
            Element::Int(lua_tointegerx(l, index, ptr::null_mut()))
        }
        LUA_TNUMBER => Element::Float(lua_tonumberx(l, index, ptr::null_mut())),
        LUA_TSTRING => Element::Bytes(ParticleType::STRING, raw_str(l, index)),
        _ => return None,
    })
}

/// The same of a userdata.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn pack_object(
    l: *mut lua_State,
    index: c_int,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    let h = head(l, index);
    match (*h).tag {
        LIST | MAP if !(*h).owned => out.extend_from_slice(Head::packed(h)),
        LIST | MAP => {
            if on_duty().is_some_and(Pulse::has_tripped) {
                return Err(Unpackable::Overdue);
            }
            if depth >= MAX_DEPTH || lua_checkstack(l, 8) == 0 {
                return Err(Unpackable::Size);
            }
            lua_getiuservalue(l, index, 1);
            let top = lua_gettop(l);
            let done = if (*h).tag == LIST {
                pack_list(l, top, h, out, depth)
            } else {
                pack_map(l, top, h, out, depth)
            };
            lua_settop(l, top - 1);
            return done;
        }
        BYTES => {
            msgpack::pack_bytes(ParticleType((*h).kind), Head::content(h), out);
        }
        GEO => msgpack::pack_bytes(ParticleType::GEOJSON, Head::packed(h), out),
        _ => return Err(Unpackable::Type),
    }
    Ok(())
}

/// The same of the elements of the list `h`, whose table is on top.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn pack_list(
    l: *mut lua_State,
    table: c_int,
    h: *const Head,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    let n = (*h).n;
    let ordered = (*h).kind != 0;
    msgpack::pack_list_len((n + usize::from(ordered)) as u32, out);
    if ordered {
        out.extend_from_slice(&order_flags(h)[..3]);
    }
    let start = out.len();
    for i in 1..=n {
        lua_rawgeti(l, table, i as i64);
        pack(l, table + 1, out, depth + 1)?;
        lua_settop(l, table);
    }
    if ordered {
        sort_elements(out, start);
    }
    Ok(())
}

/// The first pair of an ordered map; without the last byte the first element of an ordered list.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn order_flags(h: *const Head) -> [u8; 4] {
    let mut flags = msgpack::KEY_ORDERED;
    flags[2] = (*h).kind;
    flags
}

/// Puts the packed elements behind `start` in their order.
fn sort_elements(packed: &mut Vec<u8>, start: usize) {
    let body = packed.split_off(start);
    let mut reader = Reader::new(&body);
    let mut elements = Vec::new();
    while let Ok(bytes) = reader.skip() {
        elements.push(bytes);
    }
    let element = |bytes| Reader::new(bytes).element().unwrap_or(Element::Nil);
    elements.sort_by(|a, b| element(a).compare(&element(b)));
    packed.extend(elements.into_iter().flatten());
}

/// The key at `index`, as a map's table holds it: integers and strings as they are, others as a
/// zero byte and their packed form.
///
/// # Safety
/// The [stack rules](super), for such a key; a string is good while it is in reach of Lua. Raises
/// nothing.
#[inline]
pub(super) unsafe fn key_at<'a>(l: *mut lua_State, index: c_int) -> Element<'a> {
    match scalar(l, index) {
        Some(Element::Bytes(_, [0, packed @ ..])) => {
            Reader::new(packed).element().unwrap_or(Element::Nil)
        }
        Some(key) => key,
        None => Element::Nil,
    }
}

/// The same of the entries of the map `h`, whose table is on top.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn pack_map(
    l: *mut lua_State,
    table: c_int,
    h: *const Head,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    let mut entries: SmallVec<[(Element<'_>, usize, usize); 16]> = SmallVec::new();
    let mut values = Vec::new();
    lua_pushnil(l);
    while lua_next(l, table) != 0 {
        let start = values.len();
        pack(l, table + 2, &mut values, depth + 1)?;
        entries.push((key_at(l, table + 1), start, values.len()));
        lua_settop(l, table + 1);
    }
    // A table has each key once.
    entries.sort_unstable_by(|a, b| a.0.compare(&b.0));
    let ordered = (*h).kind != 0;
    msgpack::pack_map_len((entries.len() + usize::from(ordered)) as u32, out);
    if ordered {
        out.extend_from_slice(&order_flags(h));
    }
    for (key, start, end) in &entries {
        key.pack(out);
        out.extend_from_slice(&values[*start..*end]);
    }
    Ok(())
}

/// The value at `index`, as it leaves Lua.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn to_value(
    l: *mut lua_State,
    index: c_int,
    scratch: &mut Vec<u8>,
) -> Result<Value, Unpackable> {
    Ok(match lua_type(l, index) {
        LUA_TNIL | LUA_TNONE => Value::Nil,
        LUA_TBOOLEAN => Value::Bool(lua_toboolean(l, index) != 0),
        LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
            Value::Int(lua_tointegerx(l, index, ptr::null_mut()))
        }
        LUA_TNUMBER => Value::Float(lua_tonumberx(l, index, ptr::null_mut())),
        LUA_TSTRING => Value::Str(Bytes::copy_from_slice(raw_str(l, index))),
        LUA_TUSERDATA => {
            let h = head(l, index);
            match (*h).tag {
                LIST | MAP => {
                    scratch.clear();
                    pack(l, index, scratch, 0)?;
                    let packed = Bytes::copy_from_slice(scratch);
                    if (*h).tag == LIST {
                        Value::List(packed)
                    } else {
                        Value::Map(packed)
                    }
                }
                BYTES => {
                    let b = Bytes::copy_from_slice(Head::content(h));
                    match ParticleType((*h).kind) {
                        ParticleType::HLL => Value::Hll(b),
                        kind @ ParticleType(4 | 7..=12) => Value::Blob(kind, b),
                        _ => Value::Blob(ParticleType::BLOB, b),
                    }
                }
                GEO => Element::Bytes(ParticleType::GEOJSON, Head::packed(h)).into(),
                _ => return Err(Unpackable::Type),
            }
        }
        _ => return Err(Unpackable::Type),
    })
}
