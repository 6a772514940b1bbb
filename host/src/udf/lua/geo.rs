//! `geojson`: made from text, and back.

use std::ffi::c_int;

use mlua::ffi::*;

use super::object::{GEO, metatable, push_geo, raw_str, register};
use super::slot::{Slot, slot};
use super::text::tostring;

unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    if lua_gettop(l) != 2 || lua_type(l, 2) == LUA_TNIL {
        return 0;
    }
    luaL_checklstring(l, 2, std::ptr::null_mut());
    push_geo(l, slot(l), raw_str(l, 2));
    1
}

/// Makes the class, and pushes the table of functions and that with `__call`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    metatable(l, s, GEO, &[(c"__tostring", tostring::<GEO>)]);
    lua_createtable(l, 0, 0);
    lua_createtable(l, 0, 4);
    register(l, s, &[(c"__call", call)]);
}
