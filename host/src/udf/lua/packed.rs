//! Packed collections read and changed in place, for as long as that is cheaper than a table of
//! their elements.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;

use super::object::{Head, measure, push_scalar, sound};
use super::slot::Slot;
use crate::cdt::{Cursor, EditError, map};
use crate::model::msgpack::Element;

/// A packed collection is gone through from its start this often. Making a table of it costs about
/// as much.
const LOOKS: u8 = 8;

/// Whether the packed collection `h` may be gone through from its start once more.
///
/// # Safety
/// The [stack rules](super). Raises nothing.
unsafe fn look(h: *mut Head) -> bool {
    if (*h).looks == LOOKS {
        return false;
    }
    (*h).looks += 1;
    true
}

/// Pushes element `i` of the list, from 1, which must be there. Pushes nothing and returns false
/// when its table has to be asked.
///
/// # Safety
/// The [stack rules](super), for the list `h`. Raises.
#[inline]
pub(super) unsafe fn push_at(l: *mut lua_State, h: *mut Head, i: usize) -> bool {
    if (*h).owned {
        return false;
    }
    let list = Head::packed(h);
    if i == (*h).cursor.at + 1
        && let Some(v) = (*h).cursor.next_int(list)
    {
        lua_pushinteger(l, v);
        return true;
    }
    if i < (*h).cursor.at {
        if !look(h) {
            return false;
        }
        (*h).cursor = Cursor::new((*h).body);
    }
    match sound(l, (*h).cursor.seek(list, i)) {
        Some(element) => push_scalar(l, element),
        None => false,
    }
}

/// Moves the iterator `it` on in the list, which has a next element, and pushes that. Pushes
/// nothing and returns false when the list's table has to be asked.
///
/// # Safety
/// The [stack rules](super), for an iterator that was made over the list. Raises.
#[inline]
pub(super) unsafe fn push_next(l: *mut lua_State, it: *mut Head, list: *mut Head) -> bool {
    // A change since the iterator was made has moved the elements.
    if (*list).owned || (*list).edited != (*it).edited {
        (*it).cursor.at += 1;
        return false;
    }
    let packed = Head::packed(list);
    if let Some(v) = (*it).cursor.next_int(packed) {
        lua_pushinteger(l, v);
        return true;
    }
    push_scalar(l, sound(l, (*it).cursor.next(packed)))
}

/// Pushes what the map has under `key`, or nil. Pushes nothing and returns false when its table
/// has to be asked.
///
/// # Safety
/// The [stack rules](super), for the map `h`. Raises.
pub(super) unsafe fn push_under(l: *mut lua_State, h: *mut Head, key: Element<'_>) -> bool {
    if (*h).owned || !look(h) {
        return false;
    }
    match sound(l, map::get(Head::packed(h), &key)) {
        Some(element) => push_scalar(l, element),
        None => {
            lua_pushnil(l);
            true
        }
    }
}

/// Changes the packed collection `h` at `index`: `change` appends what it becomes. Changes nothing
/// and returns false when the change has to be made in its table: it is the second one, as each
/// copies the whole, or `change` refuses.
///
/// # Safety
/// The [stack rules](super), with room for one more value. What `change` owns needs no drop. Raises.
pub(super) unsafe fn edit(
    l: *mut lua_State,
    s: &mut Slot,
    index: c_int,
    h: *mut Head,
    change: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), EditError>,
) -> bool {
    if (*h).owned || (*h).edited {
        return false;
    }
    s.scratch.clear();
    if change(Head::packed(h), &mut s.scratch).is_err() {
        return false;
    }
    if s.scratch.len() > (*h).len {
        let buffer = lua_newuserdatauv(l, s.scratch.len(), 0).cast::<u8>();
        lua_setiuservalue(l, index, 1);
        (*h).data = buffer;
    }
    ptr::copy_nonoverlapping(s.scratch.as_ptr(), (*h).data, s.scratch.len());
    (*h).len = s.scratch.len();
    (*h).edited = true;
    measure(l, h);
    true
}
