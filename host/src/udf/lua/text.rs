//! `tostring` of lists, maps, bytes and GeoJSON.

use std::ffi::c_int;
use std::io::Write;
use std::mem::MaybeUninit;

use mlua::ffi::*;

use super::object::{BYTES, GEO, Head, Tag, check, fail, push_str};
use super::pack::pack;
use super::pulse::Pulse;
use super::slot::{check_overdue, pause, slot};
use super::watchdog::on_duty;
use crate::model::ParticleType;
use crate::model::msgpack::{DecodeError, Item, MAX_DEPTH, Reader};

/// `tostring(v)`: lists as `[1, 2]`, maps as `{"a":1}`, bytes as hexadecimal pairs, GeoJSON in
/// double quotes.
pub(super) unsafe extern "C-unwind" fn tostring<const TAG: Tag>(l: *mut lua_State) -> c_int {
    let h = check(l, 1, TAG);
    let s = slot(l);
    s.scratch.clear();
    match TAG {
        GEO => quote(Head::packed(h), &mut s.scratch),
        BYTES if (*h).n == 0 => s.scratch.extend_from_slice(b"Bytes()"),
        BYTES => return push_hex(l, Head::content(h)),
        _ => {
            if pack(l, 1, &mut s.scratch, 0).is_err() {
                check_overdue(l);
                fail(l, c"it is too large, nests too deep, or holds itself");
            }
            if !replace_by_text(&mut s.scratch) {
                check_overdue(l);
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

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Pushes bytes as hexadecimal pairs, written in memory of Lua's, whose limit holds.
///
/// # Safety
/// The [stack rules](super), for some bytes of a value on the stack. Raises.
unsafe fn push_hex(l: *mut lua_State, b: &[u8]) -> c_int {
    let len = b.len() * 3 - 1;
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    let out = luaL_buffinitsize(l, buffer.as_mut_ptr(), len).cast::<u8>();
    for (i, byte) in b.iter().enumerate() {
        pause(l, i);
        if i > 0 {
            out.add(i * 3 - 1).write(b' ');
        }
        let [high, low] = digits(*byte);
        out.add(i * 3).write(high);
        out.add(i * 3 + 1).write(low);
    }
    luaL_pushresultsize(buffer.as_mut_ptr(), len);
    1
}

fn hex(b: &[u8], out: &mut Vec<u8>) {
    for (i, byte) in b.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&digits(*byte));
    }
}

/// A byte as two hexadecimal digits.
fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)])
}

/// As C writes a number with `%.16g`.
fn write_float(f: f64, out: &mut Vec<u8>) {
    const DIGITS: usize = 16;
    if !f.is_finite() {
        let sign = if f.is_sign_negative() { "-" } else { "" };
        let name = if f.is_nan() { "nan" } else { "inf" };
        return drop(write!(out, "{sign}{name}"));
    }
    let bare = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').len(),
        false => digits.len(),
    };
    let text = format!("{f:.*e}", DIGITS - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match usize::try_from(DIGITS as i32 - 1 - exponent) {
        Ok(decimals) if exponent >= -4 => {
            let text = format!("{f:.decimals$}");
            out.extend_from_slice(&text.as_bytes()[..bare(&text)]);
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            let mantissa = &mantissa[..bare(mantissa)];
            let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
        }
    }
}

fn write_value(r: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), DecodeError> {
    if on_duty().is_some_and(Pulse::has_tripped) {
        return Err(r.error("the invocation has to end"));
    }
    if depth > MAX_DEPTH {
        return Err(r.error("nested too deep"));
    }
    let mut ahead = r.clone();
    match r.item()? {
        Item::Nil | Item::Ext(..) => out.extend_from_slice(b"NIL"),
        Item::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
        Item::Int(i) => drop(write!(out, "{i}")),
        Item::UInt(u) => drop(write!(out, "{u}")),
        Item::Float(f) => write_float(f, out),
        Item::Bytes(ParticleType::STRING | ParticleType::GEOJSON, b) => quote(b, out),
        Item::Bytes(_, []) => out.extend_from_slice(b"<NULL>"),
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
