//! Standard functions that are replaced because the originals would let a function outlive
//! its time limit or touch what the next call sees.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;
use tracing::Level;

use super::loader::load_text;
use super::object::{fail, raw_str};
use super::pulse::Trip;
use super::shared::{push_behind, set};
use super::slot::{check_overdue, slot};

/// The most values that `string.format` takes.
const MAX_FORMATTED: c_int = 1000;

/// The longest format of `os.date`, in bytes.
const MAX_DATE_FORMAT: usize = 1 << 16;

/// After a protected call failed: an error that must end the invocation is raised again.
///
/// # Safety
/// The [stack rules](super), with the error on top. Raises.
unsafe fn settle(l: *mut lua_State, status: c_int) {
    let s = slot(l);
    if status == LUA_ERRMEM && !s.pulse.has_tripped() {
        s.pulse.end(Trip::Memory);
    }
    check_overdue(l);
}

unsafe extern "C-unwind" fn protected(l: *mut lua_State, status: c_int, extra: isize) -> c_int {
    if status != LUA_OK && status != LUA_YIELD {
        settle(l, status);
        lua_pushboolean(l, 0);
        lua_pushvalue(l, -2);
        return 2;
    }
    lua_gettop(l) - extra as c_int
}

unsafe extern "C-unwind" fn pcall(l: *mut lua_State) -> c_int {
    luaL_checkany(l, 1);
    lua_pushboolean(l, 1);
    lua_insert(l, 1);
    let status = lua_pcallk(l, lua_gettop(l) - 2, LUA_MULTRET, 0, 0, Some(protected));
    protected(l, status, 0)
}

unsafe extern "C-unwind" fn xpcall(l: *mut lua_State) -> c_int {
    let n = lua_gettop(l);
    luaL_checktype(l, 2, LUA_TFUNCTION);
    lua_pushvalue(l, lua_upvalueindex(1));
    lua_pushvalue(l, 2);
    lua_pushcclosure(l, handle, 2);
    lua_replace(l, 2);
    lua_pushboolean(l, 1);
    lua_pushvalue(l, 1);
    lua_rotate(l, 3, 2);
    let status = lua_pcallk(l, n - 2, LUA_MULTRET, 2, 2, Some(protected));
    protected(l, status, 2)
}

/// The message handler of `xpcall`: the given one, unless the invocation has to end. (A
/// handler that runs because of the hook runs without hooks, and nothing could stop it.)
unsafe extern "C-unwind" fn handle(l: *mut lua_State) -> c_int {
    if !slot(l).pulse.has_tripped() {
        lua_pushvalue(l, lua_upvalueindex(2));
        lua_insert(l, 1);
        lua_call(l, 1, 1);
    }
    1
}

/// The coroutine that the first argument is.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn coroutine(l: *mut lua_State) -> *mut lua_State {
    let co = lua_tothread(l, 1);
    if co.is_null() {
        luaL_argerror(l, 1, c"coroutine expected".as_ptr());
    }
    co
}

/// Resumes `co` with the `n` values on top; returns how many it gave, or -1 and the error.
///
/// # Safety
/// The [stack rules](super), for a coroutine of the state. Raises.
unsafe fn run(l: *mut lua_State, co: *mut lua_State, n: c_int) -> c_int {
    if lua_checkstack(co, n) == 0 {
        lua_pushstring(l, c"too many arguments to resume".as_ptr());
        return -1;
    }
    lua_xmove(l, co, n);
    let mut results = 0;
    let before = slot(l).pulse.switch(co);
    let status = lua_resume(co, l, n, &raw mut results);
    slot(l).pulse.switch(before);
    // The hook may have been set on the coroutine when it had no instruction to go.
    check_overdue(l);
    if status == LUA_OK || status == LUA_YIELD {
        if lua_checkstack(l, results + 1) == 0 {
            lua_pop(co, results);
            lua_pushstring(l, c"too many results to resume".as_ptr());
            return -1;
        }
        lua_xmove(co, l, results);
        return results;
    }
    lua_xmove(co, l, 1);
    settle(l, status);
    -1
}

unsafe extern "C-unwind" fn resume(l: *mut lua_State) -> c_int {
    let co = coroutine(l);
    let n = run(l, co, lua_gettop(l) - 1);
    lua_pushboolean(l, (n >= 0).into());
    let given = n.max(1 - c_int::from(n >= 0));
    lua_insert(l, -(given + 1));
    given + 1
}

unsafe extern "C-unwind" fn wrapped(l: *mut lua_State) -> c_int {
    let co = lua_tothread(l, lua_upvalueindex(2));
    let n = run(l, co, lua_gettop(l));
    if n >= 0 {
        return n;
    }
    if !matches!(lua_status(co), LUA_OK | LUA_YIELD) {
        let before = slot(l).pulse.switch(co);
        let status = lua_closethread(co, l);
        slot(l).pulse.switch(before);
        if status != LUA_OK {
            lua_xmove(co, l, 1);
            settle(l, status);
        }
    }
    if lua_type(l, -1) == LUA_TSTRING {
        luaL_where(l, 1);
        lua_insert(l, -2);
        lua_concat(l, 2);
    }
    lua_error(l)
}

unsafe extern "C-unwind" fn wrap(l: *mut lua_State) -> c_int {
    luaL_checktype(l, 1, LUA_TFUNCTION);
    lua_pushvalue(l, lua_upvalueindex(1));
    let co = lua_newthread(l);
    lua_pushvalue(l, 1);
    lua_xmove(l, co, 1);
    lua_pushcclosure(l, wrapped, 2);
    1
}

unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    let co = coroutine(l);
    let mut frame: lua_Debug = std::mem::zeroed();
    if co == l || (lua_status(co) == LUA_OK && lua_getstack(co, 0, &raw mut frame) != 0) {
        fail(l, c"cannot close a running coroutine");
    }
    let before = slot(l).pulse.switch(co);
    let status = lua_closethread(co, l);
    slot(l).pulse.switch(before);
    if status == LUA_OK {
        lua_pushboolean(l, 1);
        return 1;
    }
    lua_xmove(co, l, 1);
    settle(l, status);
    lua_pushboolean(l, 0);
    lua_insert(l, -2);
    2
}

unsafe extern "C-unwind" fn setmetatable(l: *mut lua_State) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    let t = lua_type(l, 2);
    if t != LUA_TNIL && t != LUA_TTABLE {
        luaL_argerror(l, 2, c"nil or table expected".as_ptr());
    }
    if luaL_getmetafield(l, 1, c"__metatable".as_ptr()) != LUA_TNIL {
        fail(l, c"cannot change a protected metatable");
    }
    lua_settop(l, 2);
    if t == LUA_TTABLE {
        // Finalizers run without hooks, so nothing could end one; and they run in other calls.
        lua_pushstring(l, c"__gc".as_ptr());
        if lua_rawget(l, 2) != LUA_TNIL {
            fail(l, c"finalizers (__gc) are not available");
        }
        lua_settop(l, 2);
    }
    lua_setmetatable(l, 1);
    1
}

unsafe extern "C-unwind" fn rawset(l: *mut lua_State) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    luaL_checkany(l, 2);
    luaL_checkany(l, 3);
    lua_settop(l, 3);
    if push_behind(l, 1) {
        set(l);
        lua_settop(l, 1);
    } else {
        lua_rawset(l, 1);
    }
    1
}

/// `load`, for text only. The second upvalue is the original.
unsafe extern "C-unwind" fn load(l: *mut lua_State) -> c_int {
    let n = lua_gettop(l).min(4);
    lua_settop(l, 4);
    if lua_isstring(l, 1) != 0 {
        let name = luaL_optlstring(l, 2, lua_tostring(l, 1), ptr::null_mut());
        let status = load_text(l, raw_str(l, 1), name);
        check_overdue(l);
        if status != LUA_OK {
            lua_pushnil(l);
            lua_insert(l, -2);
            return 2;
        }
        if n == 4 {
            lua_pushvalue(l, 4);
            if lua_setupvalue(l, -2, 1).is_null() {
                lua_pop(l, 1);
            }
        }
        return 1;
    }
    luaL_checktype(l, 1, LUA_TFUNCTION);
    lua_pushstring(l, c"t".as_ptr());
    lua_replace(l, 3);
    lua_settop(l, n.max(3));
    lua_pushvalue(l, lua_upvalueindex(2));
    lua_insert(l, 1);
    lua_call(l, n.max(3), LUA_MULTRET);
    lua_gettop(l)
}

/// `string.rep`; the original loops for as long as `n` says when there is nothing to repeat.
unsafe extern "C-unwind" fn rep(l: *mut lua_State) -> c_int {
    let (mut a, mut b) = (0, 0);
    luaL_checklstring(l, 1, &raw mut a);
    let n = luaL_checkinteger(l, 2);
    luaL_optlstring(l, 3, c"".as_ptr(), &raw mut b);
    if a + b == 0 {
        lua_pushstring(l, c"".as_ptr());
        return 1;
    }
    if n > 0 && (a + b) as i64 > i64::MAX / n {
        fail(l, c"resulting string too large");
    }
    lua_settop(l, 3);
    lua_pushvalue(l, lua_upvalueindex(2));
    lua_insert(l, 1);
    lua_call(l, 3, 1);
    1
}

/// Goes on as the original, a function in C that has no upvalues of its own.
///
/// # Safety
/// The [stack rules](super), in a function whose second upvalue the original is. Raises.
unsafe fn original(l: *mut lua_State) -> c_int {
    match lua_tocfunction(l, lua_upvalueindex(2)) {
        Some(f) => f(l),
        None => 0,
    }
}

/// `string.format`, of so few values that it takes no time.
unsafe extern "C-unwind" fn format(l: *mut lua_State) -> c_int {
    if lua_gettop(l) > MAX_FORMATTED {
        fail(l, c"too many values to format");
    }
    original(l)
}

/// `os.date`, of a format that is not too long to be written at one go.
unsafe extern "C-unwind" fn date(l: *mut lua_State) -> c_int {
    let mut len = 0;
    luaL_optlstring(l, 1, c"".as_ptr(), &raw mut len);
    if len > MAX_DATE_FORMAT {
        fail(l, c"the format is too long");
    }
    original(l)
}

/// `collectgarbage`: tells the memory in use, and leaves collecting to the host.
unsafe extern "C-unwind" fn collectgarbage(l: *mut lua_State) -> c_int {
    let what = luaL_optlstring(l, 1, c"collect".as_ptr(), ptr::null_mut());
    if CStr::from_ptr(what) == c"count" {
        let kib = lua_gc(l, LUA_GCCOUNT, 0);
        let rest = lua_gc(l, LUA_GCCOUNTB, 0);
        lua_pushnumber(l, f64::from(kib) + f64::from(rest) / 1024.0);
    } else if matches!(CStr::from_ptr(what).to_bytes(), b"step" | b"isrunning") {
        lua_pushboolean(l, 1);
    } else {
        lua_pushinteger(l, 0);
    }
    1
}

/// `math.randomseed`, undone after the call: else the next one's numbers would be known.
unsafe extern "C-unwind" fn randomseed(l: *mut lua_State) -> c_int {
    let s = slot(l);
    s.seeded = true;
    let n = lua_gettop(l);
    if n > 0 {
        luaL_checknumber(l, 1);
        luaL_optinteger(l, 2, 0);
    }
    lua_rawgeti(l, LUA_REGISTRYINDEX, s.refs.randomseed.into());
    lua_insert(l, 1);
    lua_call(l, n, LUA_MULTRET);
    lua_gettop(l)
}

unsafe extern "C-unwind" fn print(l: *mut lua_State) -> c_int {
    let n = lua_gettop(l);
    luaL_checkstack(l, n * 2 + 4, ptr::null());
    for i in 1..=n {
        if i > 1 {
            lua_pushstring(l, c"\t".as_ptr());
        }
        luaL_tolstring(l, i, ptr::null_mut());
    }
    lua_concat(l, (n * 2 - 1).max(0));
    slot(l).log.write(Level::INFO, raw_str(l, -1));
    0
}

/// Replacements by library; the ones in `WITH_ORIGINAL` get it as their second upvalue.
pub(super) const BASE: &[(&CStr, lua_CFunction)] = &[
    (c"pcall", pcall),
    (c"xpcall", xpcall),
    (c"setmetatable", setmetatable),
    (c"rawset", rawset),
    (c"collectgarbage", collectgarbage),
    (c"print", print),
    (c"require", super::require::require),
];
/// See [`BASE`].
pub(super) const BASE_WITH_ORIGINAL: &[(&CStr, lua_CFunction)] = &[(c"load", load)];
/// See [`BASE`].
pub(super) const MATH: &[(&CStr, lua_CFunction)] = &[(c"randomseed", randomseed)];
/// See [`BASE`].
pub(super) const STRING_WITH_ORIGINAL: &[(&CStr, lua_CFunction)] =
    &[(c"rep", rep), (c"format", format)];
/// See [`BASE`].
pub(super) const OS_WITH_ORIGINAL: &[(&CStr, lua_CFunction)] = &[(c"date", date)];
/// See [`BASE`].
pub(super) const COROUTINE: &[(&CStr, lua_CFunction)] =
    &[(c"resume", resume), (c"wrap", wrap), (c"close", close)];
