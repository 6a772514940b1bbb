//! The command line: what a person types.
//!
//! Everything but `petrel serve`, `petrel aggregate` and what `petrel udf` does on this machine goes over
//! the wire through the official client, so these commands work against any Aerospike server too.

mod aggregate;
mod apply;
mod args;
mod background;
mod connect;
mod conversation;
mod error;
mod global;
mod grants;
mod guest_build;
mod index;
mod job;
mod modules;
mod output;
mod range;
mod run;
mod serve;
mod show;
mod target;
mod task;
mod toolchain;
mod udf;
mod value;
mod values;
mod wait;

pub use args::{Arguments, Command};
pub use error::{CliError, ExitStatus};
pub use run::main;
pub use serve::ServeArgs;
