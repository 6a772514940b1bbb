//! stub
use std::ffi::CStr;
use mlua::ffi::*;
pub(super) const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[];
