//! Collections whose elements are in a Lua table, the user value of their userdata.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;

use super::object::{Head, LIST, push_item, push_str, raw_str};
use super::pack::pack;
use super::slot::Slot;
use crate::model::msgpack::{Item, Reader};

/// What a packed collection says of the order it is in: 1 for a list by its elements or a map by
/// its keys, 3 for a map by its values too, else 0.
///
/// # Safety
/// The [stack rules](super), for the packed collection `h`. Raises nothing.
unsafe fn order(h: *const Head) -> u8 {
    let mut r = Reader::new(Head::packed(h));
    match (r.item(), r.item()) {
        (Ok(_), Ok(Item::Ext(flags, _))) if r.position() <= (*h).body => flags.cast_unsigned() & 3,
        _ => 0,
    }
}

/// Moves a collection's elements into its table, and pushes that table.
///
/// # Safety
/// The [stack rules](super), for the collection `h` at `index`. Raises.
pub(super) unsafe fn own(l: *mut lua_State, s: &mut Slot, index: c_int, h: *mut Head) {
    if (*h).owned {
        lua_getiuservalue(l, index, 1);
        return;
    }
    let index = lua_absindex(l, index);
    luaL_checkstack(l, 8, ptr::null());
    let capacity = c_int::try_from((*h).n).unwrap_or(0);
    let mut r = Reader::new(&Head::packed(h)[(*h).body..]);
    if (*h).tag == LIST {
        lua_createtable(l, capacity, 0);
        for i in 1..=(*h).n {
            push_item(l, s, &mut r);
            lua_rawseti(l, -2, i as i64);
        }
    } else {
        lua_createtable(l, 0, capacity);
        for _ in 0..(*h).n {
            push_item(l, s, &mut r);
            push_key(l, s, -1);
            lua_replace(l, -2);
            push_item(l, s, &mut r);
            set_entry(l, -3);
        }
    }
    lua_pushvalue(l, -1);
    (*h).kind = order(h);
    // A buffer that was there is gone with this.
    lua_setiuservalue(l, index, 1);
    (*h).owned = true;
    (*h).len = 0;
    (*h).data = h.add(1).cast();
}

/// Sets the entry whose key, as the table has it, and value are on top in the map's table at
/// `table`, and pops both. A nil value is there as a light userdata.
///
/// # Safety
/// The [stack rules](super), with the table of a map at `table`. Raises.
pub(super) unsafe fn set_entry(l: *mut lua_State, table: c_int) {
    let table = lua_absindex(l, table);
    if lua_type(l, -1) == LUA_TNIL {
        lua_pop(l, 1);
        lua_pushlightuserdata(l, ptr::null_mut());
    }
    lua_rawset(l, table);
}

/// Pushes the key under which a map's table holds the key at `index`: integers and strings
/// as they are, others as a zero byte and their packed form. Pushes nothing and returns
/// false for what cannot be a key.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_key(l: *mut lua_State, s: &mut Slot, index: c_int) -> bool {
    let index = lua_absindex(l, index);
    match lua_type(l, index) {
        LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
            lua_pushvalue(l, index);
            return true;
        }
        LUA_TSTRING if raw_str(l, index).first() != Some(&0) => {
            lua_pushvalue(l, index);
            return true;
        }
        _ => {}
    }
    s.scratch.clear();
    s.scratch.push(0);
    if pack(l, index, &mut s.scratch, 0).is_err() {
        return false;
    }
    push_str(l, &s.scratch);
    true
}
