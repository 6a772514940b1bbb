//! What a module's functions are called with, and what the comments above them say.

use std::ffi::{CStr, c_char, c_int};
use std::{mem, ptr};

use mlua::Error;
use mlua::ffi::*;

use super::object::push_str;
use super::state::State;
use crate::udf::{FunctionInfo, ModuleSource, Parameter};

/// The most that is kept of names and comments for a module, in bytes: a function may have many names
/// and many functions one comment.
const TEXT: usize = 1 << 20;

/// The most parameters that Lua lets a function have.
const PARAMETERS: c_int = 255;

/// Describes the functions of a module that is loaded in a state.
///
/// # Errors
/// When there is no memory left in the state.
pub(super) fn describe(state: &State, source: &ModuleSource) -> Result<Vec<FunctionInfo>, Error> {
    let lines: Vec<&[u8]> = source.bytes.split(|b| *b == b'\n').collect();
    let file = [b"@", source.file.as_bytes()].concat();
    let info = |name: &String| FunctionInfo {
        name: name.clone(),
        ..FunctionInfo::default()
    };
    let mut described: Vec<_> = state.names().iter().map(info).collect();
    let mut room = TEXT;
    // SAFETY: the stack is the state's own; what is gathered is outside of what an error jumps over.
    state.with(|l| unsafe {
        lua_rawgeti(l, LUA_REGISTRYINDEX, state.functions.into());
        for info in &mut described {
            lua_settop(l, 1);
            push_str(l, info.name.as_bytes());
            // A name that is no UTF-8 is not found again.
            if lua_rawget(l, 1) == LUA_TFUNCTION && lua_iscfunction(l, 2) == 0 {
                function(l, info, &lines, &file, &mut room);
            }
        }
    })?;
    Ok(described)
}

/// Adds what is known of the function on top of the stack.
///
/// # Safety
/// The [stack rules](super), for a function of Lua. Raises nothing.
unsafe fn function(
    l: *mut lua_State,
    info: &mut FunctionInfo,
    lines: &[&[u8]],
    file: &[u8],
    room: &mut usize,
) {
    let mut parameters = Vec::new();
    // The first is the record or the stream.
    for number in 2..=PARAMETERS {
        let name = lua_getlocal(l, ptr::null(), number);
        if name.is_null() {
            break;
        }
        parameters.push(text(name));
    }
    let mut frame: lua_Debug = mem::zeroed();
    lua_pushvalue(l, -1);
    lua_getinfo(l, c">Su".as_ptr(), &raw mut frame);
    if frame.isvararg != 0 {
        parameters.push("...".into());
    }
    let defined_in = std::slice::from_raw_parts(frame.source.cast::<u8>(), frame.srclen);
    let doc = match usize::try_from(frame.linedefined) {
        Ok(line) if defined_in == file => comment_above(lines, line, *room),
        _ => String::new(),
    };
    let size = parameters.iter().map(String::len).sum::<usize>() + doc.len();
    if let Some(left) = room.checked_sub(size) {
        *room = left;
        let parameter = |name| Parameter { name, ty: None };
        info.parameters = Some(parameters.into_iter().map(parameter).collect());
        info.doc = doc;
    }
}

/// # Safety
/// For a string of C's that stays as it is.
unsafe fn text(name: *const c_char) -> String {
    CStr::from_ptr(name).to_string_lossy().into_owned()
}

/// The lines of comment right above a line (which count from 1), without their dashes; none when they
/// are longer than `most` bytes.
fn comment_above(lines: &[&[u8]], line: usize, most: usize) -> String {
    let above = lines.get(..line.saturating_sub(1)).unwrap_or_default();
    let mut size = 0;
    let mut first = above.len();
    for (number, text) in above.iter().enumerate().rev() {
        let text = text.trim_ascii();
        // What a long comment holds is not looked for.
        if !text.starts_with(b"--") || text.starts_with(b"--[") || text.starts_with(b"--]") {
            break;
        }
        size += text.len();
        first = number;
        if size > most {
            return String::new();
        }
    }
    let comment: Vec<_> = above[first..].iter().map(|text| undashed(text)).collect();
    comment.join("\n").trim().to_owned()
}

/// A line of comment without its dashes and the space after them.
fn undashed(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim().trim_start_matches('-');
    text.strip_prefix(' ').unwrap_or(text).to_owned()
}
