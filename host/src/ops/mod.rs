//! Bin operations on a record in hand.

mod apply;
mod expression;
mod op;
mod scalar;

pub use apply::apply;
pub use op::{Op, OpKind, Outcome};
