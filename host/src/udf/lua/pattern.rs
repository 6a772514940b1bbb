//! stub
use mlua::ffi::*;
use std::ffi::CStr;
pub(super) const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[];
