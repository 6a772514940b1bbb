//! The arguments of a call, on their way onto the stack.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::*;

use super::object::push_item;
use super::slot::Slot;
use super::stack::StackGuard;
use crate::model::msgpack::Reader;
use crate::udf::{UdfError, UdfErrorKind};

/// More arguments than this are refused.
const MAX_ARGUMENTS: usize = 200;

/// The arguments beside the record: a packed list.
#[derive(Default)]
pub(super) struct Arguments {
    list: Vec<u8>,
    count: usize,
}

impl Arguments {
    /// Takes those of a packed list; what was taken last costs a comparison.
    ///
    /// # Errors
    /// [`UdfErrorKind::Arguments`] when it is no list, or too long.
    pub(super) fn set(&mut self, list: &[u8]) -> Result<(), UdfError> {
        if self.list == list {
            return Ok(());
        }
        match Reader::new(list).list() {
            Ok(count) if count <= MAX_ARGUMENTS => self.count = count,
            _ => {
                let text = "the arguments are not a packed list of at most 200 values";
                return Err(UdfError::new(UdfErrorKind::Arguments, text));
            }
        }
        self.list.clear();
        self.list.extend_from_slice(list);
        Ok(())
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
        let mut r = Reader::new(&self.list);
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
    let arguments = &*lua_touserdata(l, 2).cast::<Arguments>();
    arguments.push(l, s);
    arguments.count()
}
