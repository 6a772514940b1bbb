//! Lua 5.4 modules.
//!
//! The functions that Lua code calls are plain C functions over Lua's own stack: a call
//! through safe closures costs several times what the incumbent's C does. What every file
//! here keeps to, so that it is sound:
//!
//! - A function that can raise a Lua error (which jumps over Rust frames) owns nothing that
//!   wants dropping at that moment: buffers live in the `slot::Slot`.
//! - A slot outlives its Lua state, and its record pointer is set only while a batch runs.
//! - Every userdata that Lua code can hold starts with an `object::Head`, whose pointers
//!   lead into memory that the same userdata keeps alive.
#![allow(unsafe_op_in_unsafe_fn)]

mod blob;
mod geo;
mod guard;
mod instance;
mod iterator;
mod list;
mod map;
mod matcher;
mod object;
mod pack;
mod pattern;
mod record;
mod require;
mod runtime;
mod sandbox;
mod slot;
mod state;
mod text;
mod watchdog;

#[cfg(test)]
mod tests;

pub use runtime::LuaRuntime;
