//! petrel: a host that runs user-defined functions (UDFs) beside the records they work on.
//!
//! A UDF is Lua or a WebAssembly component; both run behind one contract.

pub mod assembly;
pub mod cdt;
pub mod change;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dispatch;
pub mod expr;
pub mod index;
pub mod model;
pub mod ops;
pub mod request;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
pub mod store;
pub mod task;
pub mod udf;
#[cfg(feature = "server")]
pub mod wire;
