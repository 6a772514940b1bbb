//! From what Lua code raised to the error that its caller sees.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;
use tracing::Level;

use super::object::{self, head, raw_str};
use super::pulse::Trip;
use super::slot::{Slot, slot};
use crate::udf::{UdfError, UdfErrorKind};

/// The message handler of every invocation: notes where it happened, for the log.
pub(super) unsafe extern "C-unwind" fn on_error(l: *mut lua_State) -> c_int {
    let s = slot(l);
    if !s.pulse.has_tripped() && s.wants_backtrace {
        s.wants_backtrace = false;
        luaL_traceback(l, l, ptr::null(), 1);
        note_backtrace(s, raw_str(l, -1));
        lua_settop(l, 1);
    }
    1
}

fn note_backtrace(s: &mut Slot, text: &[u8]) {
    s.backtrace = Some(String::from_utf8_lossy(text).into_owned());
}

/// How an error about a name of Lua 5.1 ends, and what to use instead. The names are not defined:
/// modules that run on both ask for them.
const OLDER: [(&str, &str); 7] = [
    ("(global 'setfenv')", "the fourth argument of load, or _ENV"),
    ("(global 'getfenv')", "_G, or _ENV"),
    ("(global 'module')", "a table that the module returns"),
    ("(global 'bit32')", "the operators & | ~ << >>"),
    ("(field 'foreach')", "a loop over pairs"),
    ("(field 'gfind')", "string.gmatch"),
    ("(field 'mod')", "math.fmod"),
];

/// Tells the author of a module for Lua 5.1 what to write now.
fn explain(message: &mut String) {
    let form = OLDER.iter().find(|(end, _)| message.ends_with(end));
    if let Some((_, form)) = form {
        message.push_str("; in Lua 5.4, use ");
        message.push_str(form);
    }
}

/// What an invocation fails with that has to end.
fn kind(trip: Trip) -> UdfErrorKind {
    match trip {
        Trip::Timeout | Trip::No => UdfErrorKind::Timeout,
        Trip::Overran => UdfErrorKind::Overran,
        Trip::Cancelled => UdfErrorKind::Cancelled,
        Trip::Memory => UdfErrorKind::Memory,
    }
}

/// The failure of an invocation that had to end when no code of it ran any more.
pub(super) fn ended(trip: Trip) -> UdfError {
    UdfError::new(kind(trip), trip.text().to_string_lossy())
}

/// What the error on top of the stack says, after a call that ended with `status`.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
#[cold]
pub(super) unsafe fn failure(l: *mut lua_State, s: &mut Slot, status: c_int) -> UdfError {
    let kind = match s.pulse.trip() {
        Trip::No if status == LUA_ERRMEM => UdfErrorKind::Memory,
        Trip::No => UdfErrorKind::Thrown,
        trip => kind(trip),
    };
    let mut message = match lua_type(l, -1) {
        LUA_TSTRING => String::from_utf8_lossy(raw_str(l, -1)).into_owned(),
        LUA_TNUMBER if lua_isinteger(l, -1) != 0 => {
            lua_tointegerx(l, -1, ptr::null_mut()).to_string()
        }
        LUA_TNUMBER => lua_tonumberx(l, -1, ptr::null_mut()).to_string(),
        LUA_TNIL => "nil".to_owned(),
        LUA_TTABLE => "the error is a table; raise a string instead".to_owned(),
        LUA_TUSERDATA if (*head(l, -1)).tag == object::MAP => {
            "the error is a map; raise a string instead".to_owned()
        }
        _ => "the error is not a string; raise one instead".to_owned(),
    };
    explain(&mut message);
    let mut e = UdfError::new(kind, message);
    e.backtrace = s.backtrace.take();
    if let Some(trace) = &e.backtrace {
        s.log.write(Level::WARN, format!("{e}\n{trace}").as_bytes());
    }
    e
}

/// Takes file and line out of the message.
pub(super) fn placed(mut e: UdfError, file: &str) -> UdfError {
    if let Some((line, message)) = split_place(&e.message, file) {
        e.message = message.to_owned();
        e.line = Some(line);
        e.module = file.to_owned();
    } else if e.kind != UdfErrorKind::Thrown {
        e.module = file.to_owned();
    }
    e
}

/// Splits Lua's `file:line: message`. Of a long file name Lua gives `...` and its end.
pub(super) fn split_place<'a>(text: &'a str, file: &str) -> Option<(u32, &'a str)> {
    let rest = match text.strip_prefix("...").and_then(|t| t.split_once(':')) {
        Some((end, rest)) if !end.is_empty() && file.ends_with(end) => rest,
        _ => text.strip_prefix(file)?.strip_prefix(':')?,
    };
    let (line, message) = rest.split_once(':')?;
    Some((line.parse().ok()?, message.strip_prefix(' ')?))
}
