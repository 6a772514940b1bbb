//! `list`: the constructor, its functions, and what `l[i]`, `#l` and iteration do.
//!
//! As with the incumbent, an index that makes no sense and a value that no list can hold
//! change nothing.

use std::ffi::{CStr, c_int};

use mlua::ffi::*;

use super::iterator::push_list_iterator;
use super::object::{Head, LIST, check, fail, head, metatable, push_empty, register};
use super::pack::{pack, scalar};
use super::packed::{edit, push_at};
use super::slot::{Slot, check_overdue, pause, slot};
use super::table::own;
use super::text::tostring;
use crate::cdt::{EditError, list};
use crate::model::msgpack::Element;

/// The furthest behind its end that a list can be written; the gap is filled with nils.
const MAX_GAP: usize = 1 << 20;

/// Pushes element `i`, from 1, or nil.
///
/// # Safety
/// The [stack rules](super), for the list `h` at `index`. Raises.
#[inline]
pub(super) unsafe fn get(l: *mut lua_State, s: &mut Slot, index: c_int, h: *mut Head, i: i64) {
    if i < 1 || i as u64 > (*h).n as u64 {
        return lua_pushnil(l);
    }
    let i = i as usize;
    if push_at(l, h, i) {
        return;
    }
    // Elements that are objects must be the same object each time; going back is rare.
    own(l, s, index, h);
    lua_rawgeti(l, -1, i as i64);
    lua_replace(l, -2);
}

/// Whether the value at `index` can be an element.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
pub(super) unsafe fn fits(l: *mut lua_State, index: c_int) -> bool {
    match lua_type(l, index) {
        LUA_TNIL | LUA_TBOOLEAN | LUA_TNUMBER | LUA_TSTRING => true,
        LUA_TUSERDATA => (*head(l, index)).tag < super::object::ITER,
        _ => false,
    }
}

/// Sets element `i` of the table on top to the value at `index`, which pops nothing.
///
/// # Safety
/// The [stack rules](super), with a table on top. Raises.
unsafe fn set_raw(l: *mut lua_State, index: c_int, i: usize) {
    lua_pushvalue(l, index);
    lua_rawseti(l, -2, i as i64);
}

/// An optional integer argument as an index or count: 0 for anything below 1.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn opt_index(l: *mut lua_State, arg: c_int) -> usize {
    usize::try_from(luaL_optinteger(l, arg, 0)).unwrap_or(0)
}

/// Makes the list long enough for an element `i`.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn grow(l: *mut lua_State, h: *mut Head, i: usize) {
    if i > (*h).n {
        if i - (*h).n > MAX_GAP {
            fail(l, c"index is too far behind the end of the list");
        }
        (*h).n = i;
    }
}

/// Changes the packed list at 1 with the value at `value`, if that is no object. See [`edit`].
///
/// # Safety
/// As [`edit`].
unsafe fn change(
    l: *mut lua_State,
    h: *mut Head,
    value: c_int,
    with: impl FnOnce(&[u8], &Element<'_>, &mut Vec<u8>) -> Result<(), EditError>,
) -> bool {
    if (*h).owned {
        return false;
    }
    match scalar(l, value) {
        Some(new) => edit(l, slot(l), 1, h, |list, out| with(list, &new, out)),
        None => false,
    }
}

unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    get(l, slot(l), 1, h, luaL_optinteger(l, 2, 0));
    1
}

unsafe extern "C-unwind" fn newindex(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    let i = opt_index(l, 2);
    if i > 0 && fits(l, 3) {
        let n = (*h).n;
        let changed = i <= n && change(l, h, 3, |list, new, out| list::set(list, i - 1, new, out))
            || i == n + 1 && change(l, h, 3, |list, new, out| list::insert(list, n, new, out));
        if !changed {
            own(l, slot(l), 1, h);
            grow(l, h, i);
            set_raw(l, 3, i);
        }
    }
    0
}

unsafe extern "C-unwind" fn size(l: *mut lua_State) -> c_int {
    lua_pushinteger(l, (*check(l, 1, LIST)).n as i64);
    1
}

unsafe extern "C-unwind" fn append(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    if fits(l, 2) {
        lua_settop(l, 2);
        let n = (*h).n;
        if !change(l, h, 2, |list, new, out| list::insert(list, n, new, out)) {
            own(l, slot(l), 1, h);
            (*h).n += 1;
            set_raw(l, 2, (*h).n);
        }
    }
    0
}

unsafe extern "C-unwind" fn prepend(l: *mut lua_State) -> c_int {
    check(l, 1, LIST);
    lua_pushinteger(l, 1);
    lua_insert(l, 2);
    insert(l)
}

unsafe extern "C-unwind" fn insert(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    let i = opt_index(l, 2);
    if i > 0 && fits(l, 3) {
        lua_settop(l, 3);
        if change(l, h, 3, |list, new, out| {
            list::insert(list, i - 1, new, out)
        }) {
            return 0;
        }
        own(l, slot(l), 1, h);
        if i > (*h).n {
            grow(l, h, i);
        } else {
            for j in (i..=(*h).n).rev() {
                pause(l, j);
                lua_rawgeti(l, -1, j as i64);
                lua_rawseti(l, -2, j as i64 + 1);
            }
            (*h).n += 1;
        }
        set_raw(l, 3, i);
    }
    0
}

unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    let i = opt_index(l, 2);
    if i > 0 && i <= (*h).n {
        if edit(l, slot(l), 1, h, |list, out| list::remove(list, i - 1, out)) {
            return 0;
        }
        own(l, slot(l), 1, h);
        for j in i..(*h).n {
            pause(l, j);
            lua_rawgeti(l, -1, j as i64 + 1);
            lua_rawseti(l, -2, j as i64);
        }
        lua_pushnil(l);
        lua_rawseti(l, -2, (*h).n as i64);
        (*h).n -= 1;
    }
    0
}

unsafe extern "C-unwind" fn concat(l: *mut lua_State) -> c_int {
    let (h, other) = (check(l, 1, LIST), check(l, 2, LIST));
    lua_settop(l, 2);
    own(l, slot(l), 1, h);
    own(l, slot(l), 2, other);
    // The two may be one list: its length counts as it was.
    for j in 1..=(*other).n {
        pause(l, j);
        lua_rawgeti(l, 4, j as i64);
        (*h).n += 1;
        lua_rawseti(l, 3, (*h).n as i64);
    }
    0
}

unsafe extern "C-unwind" fn trim(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    let i = opt_index(l, 2);
    if i > 0 && i <= (*h).n {
        own(l, slot(l), 1, h);
        for j in i..=(*h).n {
            lua_pushnil(l);
            lua_rawseti(l, -2, j as i64);
        }
        (*h).n = i - 1;
    }
    0
}

/// Pushes a new list of the elements `from..=to`.
///
/// # Safety
/// The [stack rules](super), for the list `h` at 1. Raises.
unsafe fn slice(l: *mut lua_State, h: *mut Head, from: usize, to: usize) -> c_int {
    lua_settop(l, 1);
    own(l, slot(l), 1, h);
    let n = (to + 1).saturating_sub(from);
    let new = push_empty(l, slot(l), LIST, c_int::try_from(n).unwrap_or(0));
    lua_getiuservalue(l, 3, 1);
    for j in from..=to {
        pause(l, j);
        lua_rawgeti(l, 2, j as i64);
        lua_rawseti(l, 4, (j + 1 - from) as i64);
    }
    (*new).n = n;
    lua_settop(l, 3);
    1
}

unsafe extern "C-unwind" fn take(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    match opt_index(l, 2) {
        0 => lua_pushnil(l),
        n => return slice(l, h, 1, n.min((*h).n)),
    }
    1
}

unsafe extern "C-unwind" fn drop(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    match opt_index(l, 2) {
        0 => lua_pushnil(l),
        n => return slice(l, h, n.min((*h).n) + 1, (*h).n),
    }
    1
}

unsafe extern "C-unwind" fn clone(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    slice(l, h, 1, (*h).n)
}

unsafe extern "C-unwind" fn merge(l: *mut lua_State) -> c_int {
    let (h, other) = (check(l, 1, LIST), check(l, 2, LIST));
    lua_settop(l, 2);
    own(l, slot(l), 1, h);
    own(l, slot(l), 2, other);
    let (n, m) = ((*h).n, (*other).n);
    let new = push_empty(l, slot(l), LIST, c_int::try_from(n + m).unwrap_or(0));
    lua_getiuservalue(l, 5, 1);
    for (from, count, behind) in [(3, n, 0), (4, m, n)] {
        for j in 1..=count {
            pause(l, j);
            lua_rawgeti(l, from, j as i64);
            lua_rawseti(l, 6, (behind + j) as i64);
        }
    }
    (*new).n = n + m;
    lua_settop(l, 5);
    1
}

unsafe extern "C-unwind" fn nbytes(l: *mut lua_State) -> c_int {
    check(l, 1, LIST);
    push_packed_size(l)
}

/// Pushes the packed size of the collection at 1.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_packed_size(l: *mut lua_State) -> c_int {
    let s = slot(l);
    s.scratch.clear();
    if pack(l, 1, &mut s.scratch, 0).is_err() {
        check_overdue(l);
        fail(l, c"it is too large, nests too deep, or holds itself");
    }
    lua_pushinteger(l, s.scratch.len() as i64);
    1
}

unsafe extern "C-unwind" fn iterator(l: *mut lua_State) -> c_int {
    let h = check(l, 1, LIST);
    push_list_iterator(l, slot(l), h)
}

unsafe extern "C-unwind" fn new(l: *mut lua_State) -> c_int {
    let n = lua_gettop(l);
    if !(1..=2).contains(&n) || luaL_optinteger(l, 1, -1) < 0 || luaL_optinteger(l, 2, 10) < 0 {
        return 0;
    }
    push_empty(l, slot(l), LIST, 0);
    1
}

/// `list{...}`: the values under number keys of a table, nil for those that no list can hold.
unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    let given = lua_gettop(l) == 2 && lua_type(l, 2) == LUA_TTABLE;
    let capacity = if given { lua_rawlen(l, 2) } else { 4 };
    lua_settop(l, 2);
    let h = push_empty(l, slot(l), LIST, c_int::try_from(capacity).unwrap_or(0));
    if given {
        lua_getiuservalue(l, 3, 1);
        lua_pushnil(l);
        while lua_next(l, 2) != 0 {
            if lua_type(l, -2) == LUA_TNUMBER {
                (*h).n += 1;
                pause(l, (*h).n);
                if fits(l, -1) {
                    lua_pushvalue(l, -1);
                    lua_rawseti(l, 4, (*h).n as i64);
                }
            }
            lua_settop(l, 5);
        }
        lua_settop(l, 3);
    }
    1
}

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"new", new),
    (c"create", new),
    (c"insert", insert),
    (c"append", append),
    (c"prepend", prepend),
    (c"remove", remove),
    (c"concat", concat),
    (c"trim", trim),
    (c"take", take),
    (c"drop", drop),
    (c"clone", clone),
    (c"merge", merge),
    (c"size", size),
    (c"nbytes", nbytes),
    (c"iterator", iterator),
    (c"tostring", tostring::<LIST>),
];

/// Makes the class, and pushes the table of functions and that with `__call`.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) {
    metatable(
        l,
        s,
        LIST,
        &[
            (c"__index", index),
            (c"__newindex", newindex),
            (c"__len", size),
            (c"__tostring", tostring::<LIST>),
        ],
    );
    lua_createtable(l, 0, FUNCTIONS.len() as c_int);
    register(l, s, FUNCTIONS);
    lua_createtable(l, 0, 4);
    register(l, s, &[(c"__call", call)]);
}
