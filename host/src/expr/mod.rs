//! Filter expressions: one tree, two forms on the wire.
//!
//! [`decode`] takes the payload of the protocol's field 43, in MessagePack or as text (the
//! Aerospike Expression Language, [`ael`]), and gives an [`Expr`] to ask about records.

pub mod ael;
mod arith;
mod bounds;
mod call;
mod compare;
mod compiled;
mod decode;
mod error;
mod eval;
mod kind;
mod meta;
mod node;
mod opcode;
mod operand;
mod operator;
mod path;
mod pattern;
mod raw;
#[cfg(test)]
mod tests;
mod view;

pub use compiled::Expr;
pub use decode::decode;
pub use error::ExprError;
pub use kind::Kind;
pub use pattern::PatternError;
pub use view::View;
