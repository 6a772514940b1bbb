//! WASI 0.2 as a component finds it here: everything is there, and there is nothing in it that was
//! not granted. Calls are synchronous and end at once.

mod cli;
mod clocks;
mod define;
mod descriptor;
mod error_code;
mod failure;
mod filesystem;
mod imports;
mod io;
mod random;

pub(super) use imports::{add, refused};
