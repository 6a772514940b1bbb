//! `bytes`: the constructor, its functions, and what `b[i]` and `#b` do.
//!
//! As with the incumbent, a call with the wrong number of arguments or an argument out of
//! range changes nothing and returns false (0 for variable-length integers, nil for gets).

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;

use super::object::{
    BYTES, Head, check, fail, metatable, new_object, push_bytes, push_str, raw_str, register,
};
use super::slot::{Slot, slot};
use super::text::tostring;
use crate::model::ParticleType;

/// Bytes cannot grow beyond this.
const MAX_SIZE: usize = 1 << 30;

/// Makes room for `capacity` bytes; `index` is where the bytes are on the stack.
///
/// # Safety
/// The [stack rules](super), for the bytes `h` at `index`. Raises.
unsafe fn reserve(l: *mut lua_State, index: c_int, h: *mut Head, capacity: usize) {
    if capacity <= (*h).len {
        return;
    }
    if capacity > MAX_SIZE {
        fail(l, c"bytes cannot be that long");
    }
    let capacity = capacity.max((*h).len * 2).max(16);
    let buffer = lua_newuserdatauv(l, capacity, 0).cast::<u8>();
    ptr::copy_nonoverlapping((*h).data, buffer, (*h).n);
    ptr::write_bytes(buffer.add((*h).n), 0, capacity - (*h).n);
    lua_setiuservalue(l, index, 1);
    (*h).data = buffer;
    (*h).len = capacity;
}

/// Writes `content` at offset `at` of the bytes at 1, growing them.
///
/// # Safety
/// The [stack rules](super), for the bytes `h` at 1, and `n` bytes at `content` that the caller or a value on the
/// stack keeps. Raises.
unsafe fn write(l: *mut lua_State, h: *mut Head, at: usize, content: *const u8, n: usize) -> c_int {
    // `content` may be in the very buffer that is replaced; the old one stays alive while
    // it is an upper stack value, so keep it there.
    lua_getiuservalue(l, 1, 1);
    reserve(l, 1, h, at.saturating_add(n));
    ptr::copy(content, (*h).data.add(at), n);
    (*h).n = (*h).n.max(at + n);
    lua_pushboolean(l, 1);
    1
}

/// Tells that nothing was done.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn no(l: *mut lua_State) -> c_int {
    lua_pushboolean(l, 0);
    1
}

/// The integer argument at `arg` (0 when it is absent).
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn int(l: *mut lua_State, arg: c_int) -> i64 {
    luaL_optinteger(l, arg, 0)
}

/// The offset that the 1-based index argument at 2 stands for.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn offset(l: *mut lua_State) -> Option<usize> {
    let i = int(l, 2);
    (1..=i64::from(u32::MAX))
        .contains(&i)
        .then_some((i - 1) as usize)
}

/// The last `N` bytes of the argument in the wanted order, if it fits them.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn encoded<const N: usize, const LE: bool>(
    l: *mut lua_State,
    arg: c_int,
) -> Option<[u8; 8]> {
    let v = int(l, arg);
    let fits = match N {
        1 => (0..=255).contains(&v),
        2 => i16::try_from(v).is_ok(),
        4 => i32::try_from(v).is_ok(),
        _ => true,
    };
    let wide = if LE {
        v.to_le_bytes()
    } else {
        (v << (64 - 8 * N)).to_be_bytes()
    };
    fits.then_some(wide)
}

unsafe extern "C-unwind" fn append_int<const N: usize, const LE: bool>(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 {
        return no(l);
    }
    let h = check(l, 1, BYTES);
    match encoded::<N, LE>(l, 2) {
        Some(v) => write(l, h, (*h).n, v.as_ptr(), N),
        None => no(l),
    }
}

unsafe extern "C-unwind" fn set_int<const N: usize, const LE: bool>(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 3 {
        return no(l);
    }
    let h = check(l, 1, BYTES);
    match (offset(l), encoded::<N, LE>(l, 3)) {
        (Some(at), Some(v)) => write(l, h, at, v.as_ptr(), N),
        _ => no(l),
    }
}

unsafe extern "C-unwind" fn get_int<const N: usize, const LE: bool>(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 {
        return 0;
    }
    let h = check(l, 1, BYTES);
    let found = offset(l).and_then(|at| Head::content(h).get(at..at + N));
    let Some(found) = found else { return 0 };
    let mut wide = [0; 8];
    if LE {
        wide[..N].copy_from_slice(found);
    } else {
        wide[8 - N..].copy_from_slice(found);
    }
    let v = if LE {
        i64::from_le_bytes(wide)
    } else {
        i64::from_be_bytes(wide)
    };
    lua_pushinteger(
        l,
        match N {
            2 => i64::from(v as i16),
            4 => i64::from(v as i32),
            _ => v,
        },
    );
    1
}

/// A variable-length integer: seven bits a byte, lowest first, the top bit set on all but the last.
///
/// # Safety
/// The [stack rules](super), for the bytes `h` at 1. Raises.
unsafe fn write_var_int(l: *mut lua_State, h: *mut Head, at: usize, v: i64) -> c_int {
    let Ok(v) = i32::try_from(v) else {
        lua_pushinteger(l, 0);
        return 1;
    };
    let (mut rest, mut buf, mut n) = (v as u32, [0u8; 5], 0);
    while rest >= 0x80 {
        buf[n] = rest as u8 | 0x80;
        rest >>= 7;
        n += 1;
    }
    buf[n] = rest as u8;
    write(l, h, at, buf.as_ptr(), n + 1);
    lua_pushinteger(l, n as i64 + 1);
    1
}

unsafe extern "C-unwind" fn append_var_int(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 {
        lua_pushinteger(l, 0);
        return 1;
    }
    let h = check(l, 1, BYTES);
    write_var_int(l, h, (*h).n, int(l, 2))
}

unsafe extern "C-unwind" fn set_var_int(l: *mut lua_State) -> c_int {
    let h = check(l, 1, BYTES);
    match offset(l) {
        Some(at) if lua_gettop(l) == 3 => write_var_int(l, h, at, int(l, 3)),
        _ => {
            lua_pushinteger(l, 0);
            1
        }
    }
}

unsafe extern "C-unwind" fn get_var_int(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 {
        return 0;
    }
    let h = check(l, 1, BYTES);
    let Some(at) = offset(l) else { return 0 };
    let (mut v, mut n) = (0u32, 0);
    for byte in Head::content(h)
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take(5)
    {
        v |= u32::from(byte & 0x7F).wrapping_shl(7 * n);
        n += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    lua_pushinteger(l, v.into());
    lua_pushinteger(l, n.into());
    2
}

/// The string argument at `arg`, unless it is nil; it is good while the argument is on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn text<'a>(l: *mut lua_State, arg: c_int) -> Option<&'a [u8]> {
    if lua_type(l, arg) == LUA_TNIL {
        return None;
    }
    luaL_checklstring(l, arg, ptr::null_mut());
    Some(raw_str(l, arg))
}

unsafe extern "C-unwind" fn append_string(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 {
        return no(l);
    }
    let h = check(l, 1, BYTES);
    match text(l, 2) {
        Some(text) if !text.is_empty() => write(l, h, (*h).n, text.as_ptr(), text.len()),
        _ => no(l),
    }
}

unsafe extern "C-unwind" fn set_string(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 3 {
        return no(l);
    }
    let h = check(l, 1, BYTES);
    match (offset(l), text(l, 3)) {
        (Some(at), Some(text)) => write(l, h, at, text.as_ptr(), text.len()),
        _ => no(l),
    }
}

/// How many of `from`'s bytes a count argument means.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn count(l: *mut lua_State, arg: c_int, from: *mut Head) -> Option<usize> {
    usize::try_from(int(l, arg)).ok().map(|n| n.min((*from).n))
}

unsafe extern "C-unwind" fn append_bytes(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 3 {
        return no(l);
    }
    let (h, from) = (check(l, 1, BYTES), check(l, 2, BYTES));
    match count(l, 3, from) {
        Some(n) => write(l, h, (*h).n, (*from).data, n),
        None => no(l),
    }
}

unsafe extern "C-unwind" fn set_bytes(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 4 {
        return no(l);
    }
    let (h, from) = (check(l, 1, BYTES), check(l, 3, BYTES));
    match (offset(l), count(l, 4, from)) {
        (Some(at), Some(n)) => write(l, h, at, (*from).data, n),
        _ => no(l),
    }
}

/// The part that the arguments at 2 and 3 name, if it is inside.
///
/// # Safety
/// The [stack rules](super); the bytes are valid until those at 1 grow. Raises.
unsafe fn part<'a>(l: *mut lua_State) -> Option<&'a [u8]> {
    if lua_gettop(l) != 3 {
        return None;
    }
    let h = check(l, 1, BYTES);
    let (at, n) = (offset(l)?, usize::try_from(int(l, 3)).ok()?);
    Head::content(h).get(at..at.checked_add(n)?)
}

unsafe extern "C-unwind" fn get_string(l: *mut lua_State) -> c_int {
    match part(l) {
        Some(b) => push_str(l, b),
        None => return 0,
    }
    1
}

unsafe extern "C-unwind" fn get_bytes(l: *mut lua_State) -> c_int {
    match part(l) {
        Some(b) => push_bytes(l, slot(l), ParticleType::BLOB, b),
        None => return 0,
    }
    1
}

unsafe extern "C-unwind" fn size(l: *mut lua_State) -> c_int {
    if lua_gettop(l) == 1 {
        return len(l);
    }
    lua_pushinteger(l, 0);
    1
}

unsafe extern "C-unwind" fn set_size(l: *mut lua_State) -> c_int {
    let h = check(l, 1, BYTES);
    match usize::try_from(int(l, 2)) {
        Ok(n) if lua_gettop(l) == 2 && n <= MAX_SIZE => {
            reserve(l, 1, h, n);
            lua_pushboolean(l, 1);
            1
        }
        _ => no(l),
    }
}

unsafe extern "C-unwind" fn get_type(l: *mut lua_State) -> c_int {
    if lua_gettop(l) == 0 {
        return 0;
    }
    lua_pushinteger(l, (*check(l, 1, BYTES)).kind.into());
    1
}

unsafe extern "C-unwind" fn set_type(l: *mut lua_State) -> c_int {
    let h = check(l, 1, BYTES);
    match u8::try_from(int(l, 2)) {
        Ok(kind) if kind > 0 && lua_gettop(l) == 2 => {
            (*h).kind = kind;
            lua_pushboolean(l, 1);
            1
        }
        _ => no(l),
    }
}

/// `bytes()` and `bytes(capacity)`.
unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    let capacity = match lua_gettop(l) {
        1 => 0,
        2 => usize::try_from(int(l, 2)).unwrap_or(0),
        _ => return 0,
    };
    if capacity > MAX_SIZE {
        fail(l, c"bytes cannot be that long");
    }
    let h = new_object(l, slot(l), BYTES, capacity);
    ptr::write_bytes((*h).data, 0, capacity);
    (*h).kind = ParticleType::BLOB.0;
    1
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"size", size),
    (c"set_size", set_size),
    (c"get_type", get_type),
    (c"set_type", set_type),
    (c"get_string", get_string),
    (c"get_bytes", get_bytes),
    (c"get_byte", get_int::<1, false>),
    (c"get_int16", get_int::<2, false>),
    (c"get_int16_be", get_int::<2, false>),
    (c"get_int16_le", get_int::<2, true>),
    (c"get_int32", get_int::<4, false>),
    (c"get_int32_be", get_int::<4, false>),
    (c"get_int32_le", get_int::<4, true>),
    (c"get_int64", get_int::<8, false>),
    (c"get_int64_be", get_int::<8, false>),
    (c"get_int64_le", get_int::<8, true>),
    (c"get_var_int", get_var_int),
    (c"set_string", set_string),
    (c"set_bytes", set_bytes),
    (c"set_byte", set_int::<1, false>),
    (c"set_int16", set_int::<2, false>),
    (c"set_int16_be", set_int::<2, false>),
    (c"set_int16_le", set_int::<2, true>),
    (c"set_int32", set_int::<4, false>),
    (c"set_int32_be", set_int::<4, false>),
    (c"set_int32_le", set_int::<4, true>),
    (c"set_int64", set_int::<8, false>),
    (c"set_int64_be", set_int::<8, false>),
    (c"set_int64_le", set_int::<8, true>),
    (c"set_var_int", set_var_int),
    (c"append_string", append_string),
    (c"append_bytes", append_bytes),
    (c"append_byte", append_int::<1, false>),
    (c"append_int16", append_int::<2, false>),
    (c"append_int16_be", append_int::<2, false>),
    (c"append_int16_le", append_int::<2, true>),
    (c"append_int32", append_int::<4, false>),
    (c"append_int32_be", append_int::<4, false>),
    (c"append_int32_le", append_int::<4, true>),
    (c"append_int64", append_int::<8, false>),
    (c"append_int64_be", append_int::<8, false>),
    (c"append_int64_le", append_int::<8, true>),
    (c"append_var_int", append_var_int),
];

/// Makes the class, and pushes the table of functions and that with `__call`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    metatable(
        l,
        s,
        BYTES,
        &[
            (c"__index", get_int::<1, false>),
            (c"__newindex", set_int::<1, false>),
            (c"__len", len),
            (c"__tostring", tostring::<BYTES>),
        ],
    );
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    lua_createtable(l, 0, 4);
    register(l, s, &[(c"__call", call)]);
}

/// `#b`: Lua passes the operand twice.
unsafe extern "C-unwind" fn len(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, (*check(l, 1, BYTES)).n as i64);
    1
}
