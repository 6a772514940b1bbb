//! The way of values out of Lua. Nothing here but `Key::push` raises Lua errors, so that buffers can be
//! used as usual and results can be read outside of a protected call.

use std::ffi::c_int;
use std::ptr;

use bytes::Bytes;
use mlua::ffi::*;
use smallvec::SmallVec;

use super::object::{BYTES, GEO, Head, LIST, MAP, head, push_item, push_str, raw_str};
use super::slot::Slot;
use crate::model::msgpack::{self, MAX_DEPTH, Reader};
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
}

/// Appends the value at `index` in packed form. Raises no Lua errors.
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
        LUA_TNIL => out.push(0xC0),
        LUA_TLIGHTUSERDATA if lua_touserdata(l, index).is_null() => out.push(0xC0),
        LUA_TBOOLEAN => out.push(if lua_toboolean(l, index) != 0 {
            0xC3
        } else {
            0xC2
        }),
        LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
            msgpack::pack_int(lua_tointegerx(l, index, ptr::null_mut()), out);
        }
        LUA_TNUMBER => {
            out.push(0xCB);
            out.extend_from_slice(&lua_tonumberx(l, index, ptr::null_mut()).to_be_bytes());
        }
        LUA_TSTRING => msgpack::pack_bytes(ParticleType::STRING, raw_str(l, index), out),
        LUA_TUSERDATA => return pack_object(l, index, out, depth),
        _ => return Err(Unpackable::Type),
    }
    Ok(())
}

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
            if depth >= MAX_DEPTH || lua_checkstack(l, 8) == 0 {
                return Err(Unpackable::Size);
            }
            lua_getiuservalue(l, index, 1);
            let top = lua_gettop(l);
            let done = if (*h).tag == LIST {
                pack_list(l, top, (*h).n, out, depth)
            } else {
                pack_map(l, top, out, depth)
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

unsafe fn pack_list(
    l: *mut lua_State,
    table: c_int,
    n: usize,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    msgpack::pack_list_len(n as u32, out);
    for i in 1..=n {
        lua_rawgeti(l, table, i as i64);
        pack(l, table + 1, out, depth + 1)?;
        lua_settop(l, table);
    }
    Ok(())
}

/// A map's key as its table holds it, for sorting.
pub(super) enum Key<'a> {
    Int(i64),
    Str(&'a [u8]),
    /// Packed.
    Other(&'a [u8]),
}

impl<'a> Key<'a> {
    /// The key at `index`; the string must stay referenced.
    pub(super) unsafe fn at(l: *mut lua_State, index: c_int) -> Self {
        if lua_type(l, index) == LUA_TNUMBER {
            return Self::Int(lua_tointegerx(l, index, ptr::null_mut()));
        }
        match raw_str::<'a>(l, index) {
            [0, packed @ ..] => Self::Other(packed),
            s => Self::Str(s),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Int(i) => Value::Int(*i),
            Self::Str(s) => Value::Str(Bytes::copy_from_slice(s)),
            Self::Other(p) => Reader::new(p).element().map_or(Value::Nil, Value::from),
        }
    }

    /// The protocol's order of map keys.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Int(_), Self::Str(_)) => std::cmp::Ordering::Less,
            (Self::Str(_), Self::Int(_)) => std::cmp::Ordering::Greater,
            (a, b) => msgpack::compare(&a.value(), &b.value()),
        }
    }

    fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(i) => msgpack::pack_int(*i, out),
            Self::Str(s) => msgpack::pack_bytes(ParticleType::STRING, s, out),
            Self::Other(p) => out.extend_from_slice(p),
        }
    }

    /// The key as Lua code sees it, left on the stack.
    pub(super) unsafe fn push(&self, l: *mut lua_State, s: &Slot) {
        match self {
            Self::Int(i) => lua_pushinteger(l, *i),
            Self::Str(b) => push_str(l, b),
            Self::Other(p) => push_item(l, s, &mut Reader::new(p)),
        }
    }
}

unsafe fn pack_map(
    l: *mut lua_State,
    table: c_int,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Unpackable> {
    let mut entries: SmallVec<[(Key<'_>, usize, usize); 16]> = SmallVec::new();
    let mut values = Vec::new();
    lua_pushnil(l);
    while lua_next(l, table) != 0 {
        let start = values.len();
        pack(l, table + 2, &mut values, depth + 1)?;
        entries.push((Key::at(l, table + 1), start, values.len()));
        lua_settop(l, table + 1);
    }
    entries.sort_unstable_by(|a, b| a.0.order(&b.0));
    msgpack::pack_map_head(entries.len() as u32, out);
    for (key, start, end) in &entries {
        key.pack(out);
        out.extend_from_slice(&values[*start..*end]);
    }
    Ok(())
}

/// The value at `index`, as it leaves Lua. Raises no Lua errors.
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
                GEO => {
                    let text = Head::packed(h);
                    let mut particle = Vec::with_capacity(3 + text.len());
                    particle.extend_from_slice(&[0; 3]);
                    particle.extend_from_slice(text);
                    Value::Geo(particle.into())
                }
                _ => return Err(Unpackable::Type),
            }
        }
        _ => return Err(Unpackable::Type),
    })
}
