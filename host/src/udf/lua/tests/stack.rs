//! The raw stack.

use mlua::Lua;
use mlua::ffi::*;

use super::super::stack::{StackGuard, clear_table};

/// Pushes two values under a guard, and leaves early or not.
///
/// # Safety
/// The stack rules of the room. Raises nothing.
unsafe fn push_two(l: *mut lua_State, early: bool) -> Option<i64> {
    let _guard = StackGuard::new(l);
    lua_pushinteger(l, 1);
    (!early).then_some(())?;
    lua_pushinteger(l, 2);
    Some(lua_tointegerx(l, -1, std::ptr::null_mut()))
}

#[test]
fn a_guard_pops_what_was_pushed_whichever_way_the_function_ends() {
    let mut seen = Vec::new();
    // SAFETY: the stack has room for the few values, and nothing raises.
    let done = unsafe {
        Lua::new().exec_raw::<()>((), |l| {
            for early in [true, false] {
                lua_pushnil(l);
                let given = push_two(l, early);
                seen.push((given, lua_gettop(l), lua_type(l, -1)));
            }
            lua_settop(l, 0);
        })
    };
    assert!(done.is_ok());
    assert_eq!(seen, [(None, 1, LUA_TNIL), (Some(2), 2, LUA_TNIL)]);
}

#[test]
fn a_table_is_emptied_wherever_it_is_and_the_stack_stays() {
    let mut seen = Vec::new();
    // SAFETY: the stack has room for the few values; the vector is outside of what the errors
    // of memory would jump over.
    let done = unsafe {
        Lua::new().exec_raw::<()>((), |l| {
            lua_createtable(l, 0, 0);
            for key in 1..=3 {
                lua_pushboolean(l, 1);
                lua_rawseti(l, -2, key * 1000);
            }
            lua_pushnil(l);
            seen.push((clear_table(l, -2), lua_gettop(l)));
            seen.push((clear_table(l, 1), lua_gettop(l)));
            lua_settop(l, 0);
        })
    };
    assert!(done.is_ok());
    assert_eq!(seen, [(3, 2), (0, 2)]);
}
