//! The arguments of a call, on their way onto the stack.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;

use super::object::push_item;
use super::slot::Slot;
use super::stack::StackGuard;
use crate::model::msgpack::Reader;

/// More arguments than this are refused.
const MAX_ARGUMENTS: usize = 200;

/// The arguments beside the record, packed.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    list: &'a [u8],
    count: usize,
}

impl<'a> Arguments<'a> {
    /// Those in a packed list; `None` when it is none, or too long.
    pub(super) fn new(list: &'a [u8]) -> Option<Self> {
        let count = Reader::new(list).list().ok()?;
        (count <= MAX_ARGUMENTS).then_some(Self { list, count })
    }

    /// How many there are.
    pub(super) fn count(&self) -> c_int {
        self.count as c_int
    }

    /// Pushes them.
    ///
    /// # Safety
    /// The [stack rules](super), with the state's own slot. Raises.
    pub(super) unsafe fn push(&self, l: *mut lua_State, s: &Slot) {
        luaL_checkstack(l, self.count() + 8, ptr::null());
        let mut r = Reader::new(self.list);
        if r.list().is_ok() {
            for _ in 0..self.count {
                push_item(l, s, &mut r);
            }
        }
    }

    /// Replaces those that end at `top` by fresh ones; false when there is no memory.
    ///
    /// # Safety
    /// The [stack rules](super), with the state's own slot and as many values below `top`.
    /// Raises nothing.
    pub(super) unsafe fn renew(&self, l: *mut lua_State, s: *mut Slot, top: c_int) -> bool {
        let _guard = StackGuard::new(l);
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*s).refs.pusher.into());
        lua_pushlightuserdata(l, s.cast());
        lua_pushlightuserdata(l, ptr::from_ref(self).cast_mut().cast());
        if lua_pcall(l, 2, LUA_MULTRET, 0) != LUA_OK {
            return false;
        }
        for i in (top - self.count() + 1..=top).rev() {
            lua_replace(l, i);
        }
        true
    }
}

/// Pushes the arguments that its second argument points to.
pub(super) unsafe extern "C-unwind" fn push_arguments(l: *mut lua_State) -> c_int {
    let s = &*lua_touserdata(l, 1).cast::<Slot>();
    let arguments = &*lua_touserdata(l, 2).cast::<Arguments<'_>>();
    arguments.push(l, s);
    arguments.count()
}
