//! `tostring` of lists, maps, bytes and GeoJSON.

use std::ffi::c_int;
use std::io::Write;

use mlua::ffi::*;

use super::object::{BYTES, GEO, Head, ITER, fail, head, push_str};
use super::pack::pack;
use super::slot::slot;
use crate::model::ParticleType;
use crate::model::msgpack::{DecodeError, Item, MAX_DEPTH, Reader};

/// `tostring(v)`: lists as `[1, 2]`, maps as `{"a":1}`, bytes as hexadecimal pairs.
pub(super) unsafe extern "C-unwind" fn tostring(l: *mut lua_State) -> c_int {
    let h = head(l, 1);
    if h.is_null() || (*h).tag >= ITER {
        luaL_argerror(l, 1, c"list, map, bytes or geojson expected".as_ptr());
    }
    let s = slot(l);
    s.scratch.clear();
    match (*h).tag {
        GEO => s.scratch.extend_from_slice(Head::packed(h)),
        BYTES => hex(Head::content(h), &mut s.scratch),
        _ => {
            if pack(l, 1, &mut s.scratch, 0).is_err() {
                fail(l, c"it is too large, nests too deep, or holds itself");
            }
            if !replace_by_text(&mut s.scratch) {
                fail(l, c"a stored collection is malformed");
            }
        }
    }
    push_str(l, &s.scratch);
    1
}

fn replace_by_text(packed: &mut Vec<u8>) -> bool {
    let mut out = Vec::with_capacity(packed.len() * 2);
    let written = write_value(&mut Reader::new(packed), &mut out, 0).is_ok();
    *packed = out;
    written
}

fn hex(b: &[u8], out: &mut Vec<u8>) {
    for (i, byte) in b.iter().enumerate() {
        let gap = if i == 0 { "" } else { " " };
        // Writing to memory cannot fail.
        let _ = write!(out, "{gap}{byte:02X}");
    }
}

fn write_value(r: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), DecodeError> {
    if depth > MAX_DEPTH {
        return Err(r.error("nested too deep"));
    }
    let mut ahead = r.clone();
    match r.item()? {
        Item::Nil | Item::Ext(..) => out.extend_from_slice(b"NIL"),
        Item::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
        Item::Int(i) => drop(write!(out, "{i}")),
        Item::UInt(u) => drop(write!(out, "{u}")),
        Item::Float(f) => drop(write!(out, "{f:.16}")),
        Item::Bytes(ParticleType::STRING, b) => {
            out.push(b'"');
            out.extend_from_slice(b);
            out.push(b'"');
        }
        Item::Bytes(ParticleType::GEOJSON, b) => out.extend_from_slice(b),
        Item::Bytes(_, b) => hex(b, out),
        Item::List(_) => {
            let n = ahead.list()?;
            *r = ahead;
            out.push(b'[');
            for i in 0..n {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write_value(r, out, depth + 1)?;
            }
            out.push(b']');
        }
        Item::Map(_) => {
            let n = ahead.map()?;
            *r = ahead;
            out.push(b'{');
            for i in 0..n {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write_value(r, out, depth + 1)?;
                out.push(b':');
                write_value(r, out, depth + 1)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}
