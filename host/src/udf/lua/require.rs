//! `require`: other registered modules, and the libraries that there are.

use std::ffi::{CString, c_int};
use std::ptr;

use mlua::ffi::*;

use super::loader::load_text;
use super::object::raw_str;
use super::slot::{Slot, check_overdue, slot};
use crate::udf::ModuleSource;

/// Libraries that can be required beside being globals.
const LIBRARIES: &[&[u8]] = &[
    b"_G",
    b"coroutine",
    b"math",
    b"os",
    b"string",
    b"table",
    b"utf8",
];

/// Compiles a module's text and leaves the chunk, or the error message, on the stack.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn load_source(l: *mut lua_State, source: &ModuleSource) -> c_int {
    let name = CString::new(format!("@{}", source.file)).unwrap_or_default();
    load_text(l, &source.bytes, name.as_ptr())
}

/// A package's chunk, or why it is none, is on the stack.
struct Loaded {
    status: c_int,
    /// The chunk may be run again in later calls: it sets no `_ENV`, which is all that it holds.
    keeps_nothing: bool,
}

/// As [`load_source`], for the package named on top of the stack; `None` when there is none
/// that can be required.
///
/// # Safety
/// The [stack rules](super), for a string at 1. Raises nothing.
unsafe fn load_package(l: *mut lua_State, s: &Slot) -> Option<Loaded> {
    let package = std::str::from_utf8(raw_str(l, 1)).ok()?;
    let source = s.sources.source(package)?;
    source.file.ends_with(".lua").then(|| Loaded {
        status: load_source(l, &source),
        keeps_nothing: memchr::memmem::find(&source.bytes, b"_ENV").is_none(),
    })
}

/// Raises that there is no package of the name at 1.
///
/// # Safety
/// The [stack rules](super), for a string at 1. Raises.
unsafe fn not_found(l: *mut lua_State) -> c_int {
    let why = if raw_str(l, 1).ends_with(b".lua") {
        c"module '%s' not found: require it without '.lua'"
    } else {
        c"module '%s' not found: none of that name is registered"
    };
    luaL_error(l, why.as_ptr(), lua_tolstring(l, 1, ptr::null_mut()))
}

/// `require(package)`: runs the module once in a call, and gives what it returned and its file's
/// name, as Lua's own does.
pub(super) unsafe extern "C-unwind" fn require(l: *mut lua_State) -> c_int {
    luaL_checklstring(l, 1, ptr::null_mut());
    lua_settop(l, 1);
    let s = slot(l);
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.loaded.into());
    lua_pushvalue(l, 1);
    if lua_rawget(l, 2) != LUA_TNIL {
        return 1;
    }
    lua_settop(l, 2);
    let name = raw_str(l, 1);
    if name == s.package.as_bytes() {
        lua_pushboolean(l, 1);
        return 1;
    }
    if LIBRARIES.contains(&name) {
        lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.standard.into());
        lua_pushvalue(l, 1);
        lua_rawget(l, 3);
        return 1;
    }
    s.required = true;
    s.depends = true;
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.chunks.into());
    lua_pushvalue(l, 1);
    if lua_rawget(l, 3) == LUA_TNIL {
        lua_settop(l, 3);
        let Some(loaded) = load_package(l, s) else {
            return not_found(l);
        };
        check_overdue(l);
        if loaded.status != LUA_OK {
            lua_error(l);
        }
        if loaded.keeps_nothing {
            // Good until a module is registered or removed, when the state is replaced.
            lua_pushvalue(l, 1);
            lua_pushvalue(l, 4);
            lua_rawset(l, 3);
        }
    }
    lua_pushfstring(l, c"%s.lua".as_ptr(), lua_tolstring(l, 1, ptr::null_mut()));
    lua_insert(l, 4);
    lua_pushvalue(l, 1);
    lua_pushvalue(l, 4);
    // Stack: name, loaded, chunks, file, chunk, name, file.
    lua_call(l, 2, 1);
    if lua_type(l, 5) == LUA_TNIL {
        lua_pushboolean(l, 1);
        lua_replace(l, 5);
    }
    lua_pushvalue(l, 1);
    lua_pushvalue(l, 5);
    lua_rawset(l, 2);
    lua_insert(l, 4);
    2
}
