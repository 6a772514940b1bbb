//! Lists, maps, bytes and GeoJSON as Lua userdata, and the way of values into Lua.
//!
//! A collection that was read stays packed inside its userdata block for as long as that is the
//! cheaper way ([`super::packed`]); then its elements move into a Lua table ([`super::table`]).
//! So all memory is Lua's own: its limit holds, and nothing needs a finalizer.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::*;

use super::slot::Slot;
use crate::cdt::Cursor;
use crate::model::msgpack::{DecodeError, Element, Reader};
use crate::model::{ParticleType, Value};

/// What a userdata is; also its index in the table of metatables.
pub(super) type Tag = u8;
pub(super) const LIST: Tag = 0;
pub(super) const MAP: Tag = 1;
pub(super) const BYTES: Tag = 2;
pub(super) const GEO: Tag = 3;
pub(super) const ITER: Tag = 4;
pub(super) const REC: Tag = 5;
pub(super) const AERO: Tag = 6;

/// The names that error messages use, by tag.
const NAMES: [&CStr; 7] = [
    c"List",
    c"Map",
    c"Bytes",
    c"GeoJSON",
    c"Iterator",
    c"Record",
    c"Aerospike",
];

/// The start of every full userdata in our Lua states; its bytes follow.
#[repr(C)]
pub(super) struct Head {
    pub(super) tag: Tag,
    /// A collection's elements are in the table that is its user value.
    pub(super) owned: bool,
    /// Of a packed collection: it was changed. Of an iterator: its list was, when it was made.
    pub(super) edited: bool,
    /// Of a packed collection: how often it was gone through from its start.
    pub(super) looks: u8,
    /// Of bytes: the particle type. Of a collection in a table: its [order](super::table).
    pub(super) kind: u8,
    /// Elements of a list, pairs of a packed map, length of bytes.
    pub(super) n: usize,
    /// Of a packed collection: its length. Of bytes: the capacity.
    pub(super) len: usize,
    /// Where the first element starts.
    pub(super) body: usize,
    /// Of a packed list: the element last read by index. Of an iterator: the one it gave last.
    pub(super) cursor: Cursor,
    /// Where the bytes are: behind this head, or in the buffer that is the user value.
    pub(super) data: *mut u8,
}

impl Head {
    /// The bytes of a packed collection, or of GeoJSON.
    ///
    /// # Safety
    /// The userdata is alive for as long as the slice is used.
    #[inline]
    pub(super) unsafe fn packed<'a>(this: *const Self) -> &'a [u8] {
        std::slice::from_raw_parts((*this).data, (*this).len)
    }

    /// The content of bytes.
    ///
    /// # Safety
    /// As [`Head::packed`]; invalid once the bytes grow.
    pub(super) unsafe fn content<'a>(this: *const Self) -> &'a [u8] {
        std::slice::from_raw_parts((*this).data, (*this).n)
    }
}

/// Raises an error, with the place of the Lua code that called.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn fail(l: *mut lua_State, text: &CStr) -> ! {
    luaL_where(l, 1);
    lua_pushstring(l, text.as_ptr());
    lua_concat(l, 2);
    lua_error(l)
}

/// A new userdata of `tag` with room for `len` bytes, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn new_object(l: *mut lua_State, s: &Slot, tag: Tag, len: usize) -> *mut Head {
    let h = lua_newuserdatauv(l, size_of::<Head>() + len, 1).cast::<Head>();
    h.write(Head {
        tag,
        owned: false,
        edited: false,
        looks: 0,
        kind: 0,
        n: 0,
        len,
        body: 0,
        cursor: Cursor::default(),
        data: h.add(1).cast(),
    });
    lua_rawgeti(
        l,
        LUA_REGISTRYINDEX,
        s.refs.metatables[usize::from(tag)].into(),
    );
    lua_setmetatable(l, -2);
    h
}

/// A packed list or map as userdata, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_packed(l: *mut lua_State, s: &Slot, tag: Tag, bytes: &[u8]) {
    let h = new_object(l, s, tag, bytes.len());
    ptr::copy_nonoverlapping(bytes.as_ptr(), (*h).data, bytes.len());
    measure(l, h);
}

/// Notes how many elements the packed collection `h` has, and where.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn measure(l: *mut lua_State, h: *mut Head) {
    let mut r = Reader::new(Head::packed(h));
    (*h).n = sound(l, if (*h).tag == LIST { r.list() } else { r.map() });
    (*h).body = r.position();
    (*h).cursor = Cursor::new(r.position());
}

/// An empty list or map that is ready for writing, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_empty(
    l: *mut lua_State,
    s: &Slot,
    tag: Tag,
    capacity: c_int,
) -> *mut Head {
    let h = new_object(l, s, tag, 0);
    if tag == LIST {
        lua_createtable(l, capacity, 0);
    } else {
        lua_createtable(l, 0, capacity);
    }
    lua_setiuservalue(l, -2, 1);
    (*h).owned = true;
    h
}

/// Bytes as userdata, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_bytes(l: *mut lua_State, s: &Slot, kind: ParticleType, b: &[u8]) {
    let h = new_object(l, s, BYTES, b.len());
    ptr::copy_nonoverlapping(b.as_ptr(), (*h).data, b.len());
    (*h).n = b.len();
    (*h).kind = kind.0;
}

/// GeoJSON text as userdata, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_geo(l: *mut lua_State, s: &Slot, text: &[u8]) {
    let h = new_object(l, s, GEO, text.len());
    ptr::copy_nonoverlapping(text.as_ptr(), (*h).data, text.len());
}

/// A Lua string, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn push_str(l: *mut lua_State, b: &[u8]) {
    lua_pushlstring(l, b.as_ptr().cast(), b.len());
}

/// Pushes an element that has no identity of its own in Lua. Pushes nothing and returns false for
/// others.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn push_scalar(l: *mut lua_State, element: Element<'_>) -> bool {
    match element {
        Element::Nil => lua_pushnil(l),
        Element::Bool(b) => lua_pushboolean(l, b.into()),
        Element::Int(i) => lua_pushinteger(l, i),
        Element::Float(f) => lua_pushnumber(l, f),
        Element::Bytes(ParticleType::STRING, b) => push_str(l, b),
        Element::Bytes(..) | Element::List(_) | Element::Map(_) => return false,
    }
    true
}

/// An element of a packed collection, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn push_element(l: *mut lua_State, s: &Slot, element: Element<'_>) {
    if push_scalar(l, element) {
        return;
    }
    match element {
        Element::List(b) => push_packed(l, s, LIST, b),
        Element::Map(b) => push_packed(l, s, MAP, b),
        Element::Bytes(ParticleType::GEOJSON, b) => push_geo(l, s, b),
        Element::Bytes(kind, b) => push_bytes(l, s, kind, b),
        _ => lua_pushnil(l),
    }
}

/// What was read of a packed collection; raises an error when that is malformed.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn sound<T>(l: *mut lua_State, read: Result<T, DecodeError>) -> T {
    match read {
        Ok(read) => read,
        Err(_) => fail(l, c"a stored collection is malformed"),
    }
}

/// The next element of a packed collection, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
#[inline]
pub(super) unsafe fn push_item(l: *mut lua_State, s: &Slot, r: &mut Reader<'_>) {
    push_element(l, s, sound(l, r.element()));
}

/// A value, left on the stack.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn push_value(l: *mut lua_State, s: &Slot, value: &Value) {
    push_element(l, s, value.into());
}

/// The userdata at `index`, or null when it is none.
///
/// Every full userdata that Lua code can hold was made by [`new_object`], so it starts with a
/// head; the buffers of [`super::blob`] and [`super::packed`] are never in its reach, nor is any light
/// userdata but null.
///
/// # Safety
/// The [stack rules](super); the pointer is good while the value is on the stack or elsewhere in
/// reach of Lua. Raises nothing.
#[inline]
pub(super) unsafe fn head(l: *mut lua_State, index: c_int) -> *mut Head {
    lua_touserdata(l, index).cast()
}

/// The userdata of `tag` at argument `index`; raises an error when it is something else.
///
/// # Safety
/// As [`head`], but raises.
#[inline]
pub(super) unsafe fn check(l: *mut lua_State, index: c_int, tag: Tag) -> *mut Head {
    let h = head(l, index);
    if h.is_null() {
        type_error(l, index, c"userdata");
    }
    if (*h).tag != tag {
        type_error(l, index, NAMES[usize::from(tag)]);
    }
    h
}

/// Raises that the argument at `index` is not what was wanted.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn type_error(l: *mut lua_State, index: c_int, wanted: &CStr) -> ! {
    let h = head(l, index);
    let got = if h.is_null() {
        lua_typename(l, lua_type(l, index))
    } else {
        NAMES[usize::from((*h).tag)].as_ptr()
    };
    let text = lua_pushfstring(l, c"%s expected, got %s".as_ptr(), wanted.as_ptr(), got);
    luaL_argerror(l, index, text);
    // luaL_argerror does not return; its declaration does not say so.
    lua_error(l)
}

/// The bytes of the Lua string at `index`, which must be a string.
///
/// # Safety
/// The [stack rules](super), for a string; the bytes are good while it is in reach of Lua. Raises
/// nothing.
#[inline]
pub(super) unsafe fn raw_str<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut len = 0;
    let p = lua_tolstring(l, index, &raw mut len);
    if p.is_null() {
        return &[];
    }
    std::slice::from_raw_parts(p.cast(), len)
}

/// Sets functions into the table on top of the stack, each with the slot as its upvalue.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn register(
    l: *mut lua_State,
    s: *mut Slot,
    functions: &[(&CStr, lua_CFunction)],
) {
    for (name, f) in functions {
        lua_pushlightuserdata(l, s.cast());
        lua_pushcclosure(l, *f, 1);
        lua_setfield(l, -2, name.as_ptr());
    }
}

/// Makes the metatable of a class. `visible` is what `getmetatable` gives: the table below
/// the new one on the stack, if true.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn metatable(
    l: *mut lua_State,
    s: *mut Slot,
    tag: Tag,
    functions: &[(&CStr, lua_CFunction)],
) {
    lua_createtable(l, 0, functions.len() as c_int + 2);
    register(l, s, functions);
    lua_pushstring(l, NAMES[usize::from(tag)].as_ptr());
    lua_setfield(l, -2, c"__name".as_ptr());
    lua_pushboolean(l, 0);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    (&mut (*s).refs.metatables)[usize::from(tag)] = luaL_ref(l, LUA_REGISTRYINDEX);
}
