//! petrel: a host that runs user-defined functions (UDFs) beside the records they work on.
//!
//! A UDF is Lua or a WebAssembly component; both run behind one contract. Use the host in
//! process through [`session`], or over the network with `petrel serve`.

pub mod cli;
pub mod model;
