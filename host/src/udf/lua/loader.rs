//! Compiling text. It takes a while for long ones, so it is done in pieces, between which the
//! invocation can be ended.

use std::ffi::{c_char, c_int, c_void};

use mlua::ffi::*;

use super::pulse::Pulse;
use super::watchdog::on_duty;

/// Bytes of a piece.
const PIECE: usize = 1 << 14;

/// Compiles source text, never bytecode, and leaves the chunk, or the error message, on the stack.
/// Ends early, with either, when the invocation has to end.
///
/// # Safety
/// The [stack rules](super); `name` is a C string. Raises nothing.
pub(super) unsafe fn load_text(l: *mut lua_State, text: &[u8], name: *const c_char) -> c_int {
    let mut rest = text;
    let rest = (&raw mut rest).cast();
    lua_load(l, next_piece, rest, name, c"t".as_ptr())
}

/// The next piece of a text, of which the rest is at `rest`.
unsafe extern "C-unwind" fn next_piece(
    _: *mut lua_State,
    rest: *mut c_void,
    size: *mut usize,
) -> *const c_char {
    let rest = rest.cast::<&[u8]>();
    let text = if on_duty().is_some_and(Pulse::has_tripped) {
        &[]
    } else {
        rest.read()
    };
    let (piece, after) = text.split_at(text.len().min(PIECE));
    rest.write(after);
    size.write(piece.len());
    piece.as_ptr().cast()
}
