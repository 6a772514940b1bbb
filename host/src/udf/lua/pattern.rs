//! `string.find`, `match`, `gmatch` and `gsub`, as Lua's manual defines them.
//!
//! The originals match inside C for as long as the pattern makes them (`.-.-.-b` takes the
//! cube of the subject's length), and no hook fires there. These can be ended.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;

use super::matcher::{Capture, MAX_CAPTURES, Matcher, Stop};
use super::object::{push_str, raw_str};
use super::slot::{Slot, check_overdue, slot};
use super::watchdog::give_up;

/// Plain searches ask after so many bytes whether to go on.
const PIECE: usize = 1 << 18;

/// Raises what stopped a match.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn stopped(l: *mut lua_State, s: &Slot, stop: Stop) -> ! {
    match stop {
        Stop::Overdue => give_up(l, s.pulse.trip()),
        Stop::Malformed(text) => super::object::fail(l, text),
        Stop::CaptureIndex(i) => {
            luaL_error(l, c"invalid capture index %%%d".as_ptr(), i as c_int);
            lua_error(l)
        }
    }
}

/// Matches at `at`; `Some` is where the match ends.
///
/// # Safety
/// The [stack rules](super), in a function whose first upvalue the slot is. Raises.
unsafe fn attempt(l: *mut lua_State, m: &mut Matcher<'_>, at: usize) -> Option<usize> {
    let s = slot(l);
    m.start();
    let found = m.run(at, 0);
    match found {
        Ok(end) => end,
        Err(stop) => stopped(l, s, stop),
    }
}

/// The bytes of the string argument at `index`.
///
/// # Safety
/// As [`raw_str`], but raises.
unsafe fn string_arg<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    luaL_checklstring(l, index, ptr::null_mut());
    raw_str(l, index)
}

/// The offset that a start argument means: from 1, from the end when negative.
fn start_offset(init: i64, len: usize) -> usize {
    match init {
        1.. => usize::try_from(init - 1).unwrap_or(usize::MAX),
        0 => 0,
        _ => (len as i64).saturating_add(init).max(0) as usize,
    }
}

/// Pushes capture `i`, or the whole match when there are none.
///
/// # Safety
/// As [`attempt`].
unsafe fn push_capture(l: *mut lua_State, m: &Matcher<'_>, i: usize, whole: (usize, usize)) {
    match m.capture(i, whole) {
        Ok(Capture::Text(b)) => push_str(l, b),
        Ok(Capture::Position(p)) => lua_pushinteger(l, p as i64 + 1),
        Err(stop) => stopped(l, slot(l), stop),
    }
}

/// Pushes all captures (the whole match when there are none and `or_whole`).
///
/// # Safety
/// As [`attempt`].
unsafe fn push_captures(
    l: *mut lua_State,
    m: &Matcher<'_>,
    whole: (usize, usize),
    or_whole: bool,
) -> c_int {
    let n = if m.captures() == 0 && or_whole {
        1
    } else {
        m.captures()
    };
    luaL_checkstack(l, n as c_int, c"too many captures".as_ptr());
    for i in 0..n {
        push_capture(l, m, i, whole);
    }
    n as c_int
}

/// Where `text` has `wanted`. Long ones are searched in pieces, between which it asks whether
/// to go on.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn find_plain(l: *mut lua_State, text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (head, rest) = wanted.split_at(wanted.len().min(PIECE));
    let mut at = 0;
    loop {
        let piece = text.get(at..)?;
        let piece = &piece[..piece.len().min(PIECE + head.len())];
        match memchr::memmem::find(piece, head) {
            Some(i) if text[at + i + head.len()..].starts_with(rest) => return Some(at + i),
            Some(i) => at += i + 1,
            None if at + piece.len() == text.len() => return None,
            None => at += piece.len() - head.len() + 1,
        }
        check_overdue(l);
    }
}

/// `string.find`, or `string.match`.
///
/// # Safety
/// As [`attempt`].
unsafe fn find_or_match(l: *mut lua_State, find: bool) -> c_int {
    let subject = string_arg(l, 1);
    let pattern = string_arg(l, 2);
    let mut at = start_offset(luaL_optinteger(l, 3, 1), subject.len());
    if at > subject.len() {
        lua_pushnil(l);
        return 1;
    }
    let plain = !pattern.iter().any(|b| b"^$*+?.([%-".contains(b));
    if find && (lua_toboolean(l, 4) != 0 || plain) {
        match find_plain(l, &subject[at..], pattern) {
            Some(i) => {
                lua_pushinteger(l, (at + i + 1) as i64);
                lua_pushinteger(l, (at + i + pattern.len()) as i64);
                return 2;
            }
            None => lua_pushnil(l),
        }
        return 1;
    }
    let (anchored, pattern) = anchor(pattern);
    let mut m = Matcher::new(subject, pattern, &slot(l).pulse);
    loop {
        if let Some(end) = attempt(l, &mut m, at) {
            if find {
                lua_pushinteger(l, at as i64 + 1);
                lua_pushinteger(l, end as i64);
                return 2 + push_captures(l, &m, (at, end), false);
            }
            return push_captures(l, &m, (at, end), true);
        }
        at += 1;
        if anchored || at > subject.len() {
            lua_pushnil(l);
            return 1;
        }
    }
}

fn anchor(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    }
}

unsafe extern "C-unwind" fn find(l: *mut lua_State) -> c_int {
    find_or_match(l, true)
}

unsafe extern "C-unwind" fn match_(l: *mut lua_State) -> c_int {
    find_or_match(l, false)
}

/// The function that `gmatch` returns. Upvalues: slot, subject, pattern, where to go on,
/// where the last match ended (-1 for nowhere).
unsafe extern "C-unwind" fn gmatch_next(l: *mut lua_State) -> c_int {
    let subject = raw_str(l, lua_upvalueindex(2));
    let pattern = raw_str(l, lua_upvalueindex(3));
    let mut at = lua_tointegerx(l, lua_upvalueindex(4), ptr::null_mut()).max(0) as usize;
    let last = lua_tointegerx(l, lua_upvalueindex(5), ptr::null_mut());
    let mut m = Matcher::new(subject, pattern, &slot(l).pulse);
    while at <= subject.len() {
        if let Some(end) = attempt(l, &mut m, at)
            && end as i64 != last
        {
            for upvalue in [4, 5] {
                lua_pushinteger(l, end as i64);
                lua_replace(l, lua_upvalueindex(upvalue));
            }
            return push_captures(l, &m, (at, end), true);
        }
        at += 1;
    }
    0
}

unsafe extern "C-unwind" fn gmatch(l: *mut lua_State) -> c_int {
    let subject = string_arg(l, 1);
    string_arg(l, 2);
    let at = start_offset(luaL_optinteger(l, 3, 1), subject.len());
    lua_settop(l, 2);
    lua_pushvalue(l, lua_upvalueindex(1));
    lua_insert(l, 1);
    lua_pushinteger(l, at.min(subject.len() + 1) as i64);
    lua_pushinteger(l, -1);
    lua_pushcclosure(l, gmatch_next, 5);
    1
}

/// Adds the replacement of one match to the buffer.
///
/// # Safety
/// As [`attempt`], for the buffer in use, and `gsub`'s arguments. Raises.
unsafe fn replace(
    l: *mut lua_State,
    b: *mut luaL_Buffer,
    m: &Matcher<'_>,
    whole: (usize, usize),
    kind: c_int,
) -> bool {
    let text = m.subject_part(whole);
    match kind {
        LUA_TFUNCTION => {
            lua_pushvalue(l, 3);
            let n = push_captures(l, m, whole, true);
            lua_call(l, n, 1);
        }
        LUA_TTABLE => {
            push_capture(l, m, 0, whole);
            lua_gettable(l, 3);
        }
        _ => {
            replace_text(l, b, m, whole);
            return true;
        }
    }
    if lua_toboolean(l, -1) == 0 {
        lua_pop(l, 1);
        luaL_addlstring(b, text.as_ptr().cast(), text.len());
        return false;
    }
    if lua_isstring(l, -1) == 0 {
        luaL_error(
            l,
            c"invalid replacement value (a %s)".as_ptr(),
            lua_typename(l, lua_type(l, -1)),
        );
    }
    luaL_addvalue(b);
    true
}

/// Adds a replacement string, its `%0` to `%9` replaced by captures.
///
/// # Safety
/// As [`replace`].
unsafe fn replace_text(
    l: *mut lua_State,
    b: *mut luaL_Buffer,
    m: &Matcher<'_>,
    whole: (usize, usize),
) {
    let mut rest = raw_str(l, 3);
    while let Some(i) = memchr::memchr(b'%', rest) {
        luaL_addlstring(b, rest.as_ptr().cast(), i);
        match rest.get(i + 1) {
            Some(b'%') => luaL_addlstring(b, c"%".as_ptr(), 1),
            Some(b'0') => {
                let text = m.subject_part(whole);
                luaL_addlstring(b, text.as_ptr().cast(), text.len());
            }
            Some(d @ b'1'..=b'9') => {
                let n = usize::from(d - b'1');
                if n >= MAX_CAPTURES || (n >= m.captures() && !(n == 0 && m.captures() == 0)) {
                    luaL_error(
                        l,
                        c"invalid capture index %%%d in replacement string".as_ptr(),
                        n as c_int + 1,
                    );
                }
                push_capture(l, m, n, whole);
                luaL_tolstring(l, -1, ptr::null_mut());
                lua_replace(l, -2);
                luaL_addvalue(b);
            }
            _ => super::object::fail(l, c"invalid use of '%' in replacement string"),
        }
        rest = rest.get(i + 2..).unwrap_or_default();
    }
    luaL_addlstring(b, rest.as_ptr().cast(), rest.len());
}

unsafe extern "C-unwind" fn gsub(l: *mut lua_State) -> c_int {
    let subject = string_arg(l, 1);
    let (anchored, pattern) = anchor(string_arg(l, 2));
    let kind = lua_type(l, 3);
    if !matches!(kind, LUA_TNUMBER | LUA_TSTRING | LUA_TTABLE | LUA_TFUNCTION) {
        luaL_argerror(l, 3, c"string/function/table expected".as_ptr());
    }
    if kind == LUA_TNUMBER {
        luaL_checklstring(l, 3, ptr::null_mut());
    }
    let most = luaL_optinteger(l, 4, subject.len() as i64 + 1);
    lua_settop(l, 4);
    let mut m = Matcher::new(subject, pattern, &slot(l).pulse);
    let mut buffer = std::mem::MaybeUninit::<luaL_Buffer>::uninit();
    let b = buffer.as_mut_ptr();
    luaL_buffinit(l, b);
    let (mut at, mut count, mut changed) = (0, 0, false);
    let mut last = None;
    while count < most {
        match attempt(l, &mut m, at) {
            Some(end) if Some(end) != last => {
                count += 1;
                changed |= replace(l, b, &m, (at, end), kind);
                at = end;
                last = Some(end);
            }
            _ if at < subject.len() => {
                luaL_addlstring(b, subject.as_ptr().add(at).cast(), 1);
                at += 1;
            }
            _ => break,
        }
        if anchored {
            break;
        }
    }
    if changed {
        let rest = subject.get(at..).unwrap_or_default();
        luaL_addlstring(b, rest.as_ptr().cast(), rest.len());
        luaL_pushresult(b);
    } else {
        lua_pushvalue(l, 1);
    }
    lua_pushinteger(l, count);
    2
}

/// What replaces the functions of the `string` library.
pub(super) const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"find", find),
    (c"match", match_),
    (c"gmatch", gmatch),
    (c"gsub", gsub),
];
