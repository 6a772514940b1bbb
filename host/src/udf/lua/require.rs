//! `require`: other registered modules, and nothing else.

use std::ffi::{CString, c_int};
use std::ptr;

use mlua::ffi::*;

use super::object::raw_str;
use super::slot::{Slot, slot};
use crate::udf::ModuleSource;

/// Compiles a module's text and leaves the chunk, or the error message, on the stack.
/// Raises no Lua errors.
pub(super) unsafe fn load_source(l: *mut lua_State, source: &ModuleSource) -> c_int {
    let name = CString::new(format!("@{}", source.file)).unwrap_or_default();
    let text = &source.bytes;
    luaL_loadbufferx(
        l,
        text.as_ptr().cast(),
        text.len(),
        name.as_ptr(),
        c"t".as_ptr(),
    )
}

/// As [`load_source`], for the package named on top of the stack; `None` when there is none
/// that can be required.
unsafe fn load_package(l: *mut lua_State, s: &Slot) -> Option<c_int> {
    let package = std::str::from_utf8(raw_str(l, 1)).ok()?;
    let source = s.sources.source(package)?;
    // A chunk that sets its `_ENV` would keep it from one call to the next.
    let keeps = memchr::memmem::find(&source.bytes, b"_ENV").is_some();
    (source.file.ends_with(".lua") && !keeps).then(|| load_source(l, &source))
}

/// `require(package)`: runs the module once in a call and gives what it returned.
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
    s.required = true;
    s.depends = true;
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.chunks.into());
    lua_pushvalue(l, 1);
    if lua_rawget(l, 3) == LUA_TNIL {
        lua_settop(l, 3);
        match load_package(l, s) {
            Some(LUA_OK) => {
                // The compiled chunk is kept for later calls, as it holds nothing but `_ENV`; the
                // state is replaced when a module is.
                lua_pushvalue(l, 1);
                lua_pushvalue(l, 4);
                lua_rawset(l, 3);
            }
            Some(_) => lua_error(l),
            None => {
                return luaL_error(
                    l,
                    c"module '%s' is not registered, or uses _ENV".as_ptr(),
                    lua_tolstring(l, 1, ptr::null_mut()),
                );
            }
        }
    }
    // Stack: name, loaded, chunks, chunk.
    lua_pushvalue(l, 1);
    lua_call(l, 1, 1);
    if lua_type(l, 4) == LUA_TNIL {
        lua_pushboolean(l, 1);
        lua_replace(l, 4);
    }
    lua_pushvalue(l, 1);
    lua_pushvalue(l, 4);
    lua_rawset(l, 2);
    1
}
