//! Bin operations on a record in hand.

mod apply;
mod expression;
mod op;
mod scalar;

pub use apply::{Outcome, apply};
pub use op::{Op, OpKind};
