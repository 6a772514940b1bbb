//! The command line: what a person types.
//!
//! Everything but `petrel serve` and `petrel udf build` goes over the wire through the
//! official client, so these commands work against any Aerospike server too.

mod apply;
mod args;
mod background;
mod connect;
mod error;
mod global;
mod guest_build;
mod index;
mod job;
mod output;
mod run;
mod serve;
mod target;
mod task;
mod toolchain;
mod udf;
mod value;
mod wait;

pub use args::{Arguments, Command};
pub use error::{CliError, ExitStatus};
pub use run::main;
pub use serve::ServeArgs;
