//! The functions of `table` that loop in C: Lua's own could run for hours without an instruction
//! of Lua in between, at which they could be ended.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;

use mlua::ffi::*;

use super::object::{LIST, fail, head};
use super::slot::pause;

/// From this size on, `sort` takes another pivot when parts are of very different sizes.
const LARGE: i64 = 100;

/// The argument at `arg` must be a table, or a list, which does as well.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn check_elements(l: *mut lua_State, arg: c_int) {
    let object = head(l, arg);
    if object.is_null() || (*object).tag != LIST {
        luaL_checktype(l, arg, LUA_TTABLE);
    }
}

unsafe extern "C-unwind" fn insert(l: *mut lua_State) -> c_int {
    check_elements(l, 1);
    let end = luaL_len(l, 1).wrapping_add(1);
    let mut at = end;
    match lua_gettop(l) {
        2 => {}
        3 => {
            at = luaL_checkinteger(l, 2);
            if (at as u64).wrapping_sub(1) >= end as u64 {
                luaL_argerror(l, 2, c"position out of bounds".as_ptr());
            }
            let mut i = end;
            while i > at {
                pause(l, i as usize);
                lua_geti(l, 1, i - 1);
                lua_seti(l, 1, i);
                i -= 1;
            }
        }
        _ => fail(l, c"wrong number of arguments to 'insert'"),
    }
    lua_seti(l, 1, at);
    0
}

unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    check_elements(l, 1);
    let size = luaL_len(l, 1);
    let mut at = luaL_optinteger(l, 2, size);
    if lua_gettop(l) > 1 && (at as u64).wrapping_sub(1) > size as u64 {
        luaL_argerror(l, 2, c"position out of bounds".as_ptr());
    }
    lua_geti(l, 1, at);
    while at < size {
        pause(l, at as usize);
        lua_geti(l, 1, at + 1);
        lua_seti(l, 1, at);
        at += 1;
    }
    lua_pushnil(l);
    lua_seti(l, 1, at);
    1
}

unsafe extern "C-unwind" fn move_(l: *mut lua_State) -> c_int {
    check_elements(l, 1);
    let from = luaL_checkinteger(l, 2);
    let end = luaL_checkinteger(l, 3);
    let to = luaL_checkinteger(l, 4);
    let target = if lua_type(l, 5) > LUA_TNIL { 5 } else { 1 };
    check_elements(l, target);
    if end >= from {
        if from <= 0 && end >= i64::MAX.wrapping_add(from) {
            luaL_argerror(l, 3, c"too many elements to move".as_ptr());
        }
        let n = end - from + 1;
        if to > i64::MAX - n + 1 {
            luaL_argerror(l, 4, c"destination wrap around".as_ptr());
        }
        let forward =
            to > end || to <= from || (target != 1 && lua_compare(l, 1, target, LUA_OPEQ) == 0);
        for step in 0..n {
            pause(l, step as usize);
            let i = if forward { step } else { n - 1 - step };
            lua_geti(l, 1, from + i);
            lua_seti(l, target, to + i);
        }
    }
    lua_pushvalue(l, target);
    1
}

unsafe extern "C-unwind" fn concat(l: *mut lua_State) -> c_int {
    check_elements(l, 1);
    let size = luaL_len(l, 1);
    let mut len = 0;
    let between = luaL_optlstring(l, 2, c"".as_ptr(), &raw mut len);
    let from = luaL_optinteger(l, 3, 1);
    let last = luaL_optinteger(l, 4, size);
    lua_settop(l, 4);
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    let b = buffer.as_mut_ptr();
    luaL_buffinit(l, b);
    let mut i = from;
    while i <= last {
        pause(l, i as usize);
        lua_geti(l, 1, i);
        if lua_isstring(l, -1) == 0 {
            luaL_error(
                l,
                c"invalid value (%s) at index %I in table for 'concat'".as_ptr(),
                luaL_typename(l, -1),
                i,
            );
        }
        luaL_addvalue(b);
        if i == last {
            break;
        }
        luaL_addlstring(b, between, len);
        i += 1;
    }
    luaL_pushresult(b);
    1
}

/// A sort of the table at 1 by the function at 2, or by `<` when that is nil. Quicksort as Lua's
/// own: elements that are equal end up where they do there.
struct Sort {
    l: *mut lua_State,
    comparisons: i64,
}

impl Sort {
    /// Whether the value at `a` comes before that at `b`; both count from the top.
    unsafe fn before(&mut self, a: c_int, b: c_int) -> bool {
        let l = self.l;
        self.comparisons += 1;
        pause(l, self.comparisons as usize);
        if lua_type(l, 2) == LUA_TNIL {
            return lua_compare(l, a, b, LUA_OPLT) != 0;
        }
        lua_pushvalue(l, 2);
        lua_pushvalue(l, a - 1);
        lua_pushvalue(l, b - 2);
        lua_call(l, 2, 1);
        let before = lua_toboolean(l, -1) != 0;
        lua_pop(l, 1);
        before
    }

    /// Sets element `i` to the value on top and `j` to the one below, and pops them.
    unsafe fn set(&self, i: i64, j: i64) {
        lua_seti(self.l, 1, i);
        lua_seti(self.l, 1, j);
    }

    /// Swaps elements `i` and `j` if the second comes before the first; tells whether it did.
    unsafe fn order(&mut self, i: i64, j: i64) -> bool {
        lua_geti(self.l, 1, i);
        lua_geti(self.l, 1, j);
        let swap = self.before(-1, -2);
        if swap {
            self.set(i, j);
        } else {
            lua_pop(self.l, 2);
        }
        swap
    }

    /// Sorts the elements from `low` to `high`.
    unsafe fn range(&mut self, mut low: i64, mut high: i64, mut random: i64) {
        luaL_checkstack(self.l, 8, std::ptr::null());
        while low < high {
            self.order(low, high);
            if high - low == 1 {
                return;
            }
            let middle = if high - low < LARGE || random == 0 {
                low + (high - low) / 2
            } else {
                let quarter = (high - low) / 4;
                low + quarter + random.rem_euclid(quarter * 2)
            };
            if !self.order(low, middle) {
                self.order(middle, high);
            }
            if high - low == 2 {
                return;
            }
            // The pivot waits beside the end while the others are parted.
            lua_geti(self.l, 1, middle);
            lua_pushvalue(self.l, -1);
            lua_geti(self.l, 1, high - 1);
            self.set(middle, high - 1);
            let pivot = self.part(low, high);
            let smaller = if pivot - low < high - pivot {
                self.range(low, pivot - 1, random);
                let n = pivot - low;
                low = pivot + 1;
                n
            } else {
                self.range(pivot + 1, high, random);
                let n = high - pivot;
                high = pivot - 1;
                n
            };
            if (high - low) / 128 > smaller {
                random = self.comparisons;
            }
        }
    }

    /// Parts the elements between `low` and `high` by the pivot on top, which is at `high - 1` too;
    /// pops it and tells where it went.
    unsafe fn part(&mut self, low: i64, high: i64) -> i64 {
        let l = self.l;
        let (mut i, mut j) = (low, high - 1);
        loop {
            i += 1;
            lua_geti(l, 1, i);
            while self.before(-1, -2) {
                if i == high - 1 {
                    fail(l, c"invalid order function for sorting");
                }
                lua_pop(l, 1);
                i += 1;
                lua_geti(l, 1, i);
            }
            j -= 1;
            lua_geti(l, 1, j);
            while self.before(-3, -1) {
                if j < i {
                    fail(l, c"invalid order function for sorting");
                }
                lua_pop(l, 1);
                j -= 1;
                lua_geti(l, 1, j);
            }
            if j < i {
                lua_pop(l, 1);
                self.set(high - 1, i);
                return i;
            }
            self.set(i, j);
        }
    }
}

unsafe extern "C-unwind" fn sort(l: *mut lua_State) -> c_int {
    check_elements(l, 1);
    let n = luaL_len(l, 1);
    if n > 1 {
        if n >= c_int::MAX.into() {
            luaL_argerror(l, 1, c"array too big".as_ptr());
        }
        if lua_type(l, 2) > LUA_TNIL {
            luaL_checktype(l, 2, LUA_TFUNCTION);
        }
        lua_settop(l, 2);
        let mut sort = Sort { l, comparisons: 0 };
        sort.range(1, n, 0);
    }
    0
}

/// What replaces Lua's own.
pub(super) const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"concat", concat),
    (c"insert", insert),
    (c"move", move_),
    (c"remove", remove),
    (c"sort", sort),
];
