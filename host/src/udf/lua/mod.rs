//! Lua 5.4 modules.
//!
//! The functions that Lua code calls are plain C functions over Lua's own stack: a call
//! through safe closures costs several times what the incumbent's C does.
//!
//! # The stack rules
//!
//! Nearly every function here works on such a stack, `l`, and is unsafe for that. What it asks
//! of its caller, where its `# Safety` section does not ask for more:
//!
//! - `l` is a state that `state::State` made, or a coroutine of one, on the thread that runs it.
//!   A slot that comes along is that state's, a `Head` that of a userdata which is on the stack.
//! - The stack has the values that the function's words name, and room for what it pushes: Lua
//!   gives each C function twenty free places, and what needs more asks Lua for them.
//! - "Raises": it may raise a Lua error, which jumps over the Rust frames up to the next
//!   protected call. None of these owns, at that moment, anything that wants dropping, not even
//!   a `stack::StackGuard`: buffers live in the slot. What "raises nothing" is under no such rule.
//!
//! A function of Lua's own type (`unsafe extern "C-unwind" fn(l)`) is called by Lua alone, with
//! its arguments on the stack and the slot as its first upvalue; it may raise.
//!
//! Beside that:
//!
//! - A slot outlives its Lua state, and its record pointer is set only while a batch runs.
//! - Every userdata that Lua code can hold starts with an `object::Head`, whose pointers
//!   lead into memory that the same userdata keeps alive.
#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "a block for each of a thousand calls on the stack would repeat the stack rules a \
              thousand times, and hide the blocks that have another reason"
)]

mod aerospike;
mod aggregate;
mod arguments;
mod blob;
mod describe;
mod failure;
mod feed;
mod geo;
mod guard;
mod instance;
mod iterator;
mod list;
mod loader;
mod map;
mod matcher;
mod module;
mod object;
mod outside;
mod pack;
mod packed;
mod pattern;
mod pulse;
mod record;
mod require;
mod runtime;
mod sandbox;
mod shared;
mod slot;
mod stack;
mod state;
mod stream;
mod table;
mod table_functions;
mod text;
mod watchdog;

#[cfg(test)]
mod tests;

pub use runtime::LuaRuntime;
