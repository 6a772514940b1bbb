//! The text form of filter expressions: the Aerospike Expression Language.
//!
//! `$.age >= 18 and $.name in ["Ann", "Bo"]` reads as one would expect. Bins are `$.bin`,
//! elements in them `$.map.key`, `$.map.{0}`, `$.list.[-1]` or, by rank, `$.list.[#0]`;
//! metadata are functions such as `$.ttl()`. A bin takes its type from the record: what is
//! compared with a value of another type is unknown, and does not pass.

mod build;
mod error;
mod expression;
mod function;
mod input;
mod literal;
mod operand;
mod path;

pub use error::ParseError;
pub use expression::parse;
