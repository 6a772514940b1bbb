//! Bin operations.

mod op;
mod scalar;

pub use op::{Op, OpKind};
pub use scalar::{BinChange, add, append, prepend};
