//! The raw stack, put back as it was.

use std::ffi::c_int;

use mlua::ffi::*;

/// Pops what was pushed since it was made, on every way out of a Rust function.
pub(super) struct StackGuard {
    l: *mut lua_State,
    top: c_int,
}

impl StackGuard {
    /// A guard of the stack as it is now.
    ///
    /// # Safety
    /// `l` outlives the guard, and while the guard is there nothing raises a Lua error outside
    /// of a protected call: an error would jump over it.
    pub(super) unsafe fn new(l: *mut lua_State) -> Self {
        Self {
            l,
            top: lua_gettop(l),
        }
    }

    /// How many values there were.
    pub(super) fn top(&self) -> c_int {
        self.top
    }
}

impl Drop for StackGuard {
    fn drop(&mut self) {
        // SAFETY: the state is alive, as `new` asks; cutting the stack to a height that it had
        // raises nothing, as no slot here is marked as to be closed.
        unsafe { lua_settop(self.l, self.top) };
    }
}

/// Empties the table at `index`; returns how many entries it had.
///
/// # Safety
/// The [stack rules](super), for a table. Raises nothing.
pub(super) unsafe fn clear_table(l: *mut lua_State, index: c_int) -> usize {
    let table = lua_absindex(l, index);
    let guard = StackGuard::new(l);
    let mut n = 0;
    lua_pushnil(l);
    while lua_next(l, table) != 0 {
        lua_settop(l, guard.top() + 1);
        // Setting a field to nil leaves the key in place for `lua_next`.
        lua_pushvalue(l, -1);
        lua_pushnil(l);
        lua_rawset(l, table);
        n += 1;
    }
    n
}

/// Empties the table that is at `reference` in the registry.
///
/// # Safety
/// The [stack rules](super), for a reference to a table. Raises nothing.
pub(super) unsafe fn clear_registered(l: *mut lua_State, reference: c_int) {
    let _guard = StackGuard::new(l);
    lua_rawgeti(l, LUA_REGISTRYINDEX, reference.into());
    clear_table(l, -1);
}
