//! Packed lists and maps, read and edited in place: for expressions, operations and the
//! runtimes.
//!
//! Everything here works on the bytes of one collection, as a bin or another collection holds
//! it, and knows [`Element`]s, not values. Elements are in the protocol's order,
//! [`Element::compare`]. What is not there is `None`; bytes that are no such collection are an
//! error, found as far as they were read.
//!
//! ```
//! use petrel::cdt::{list, map};
//! use petrel::model::{Value, msgpack::Element};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let Value::Map(scores) = Value::map([("b".into(), 7.into()), ("a".into(), 9.into())]) else {
//!     unreachable!();
//! };
//! assert_eq!(map::ranked(&scores, 0)?, Some(Element::Int(7)));
//! let names = map::keys(&scores)?;
//! assert_eq!(list::at(&names, -1)?.map(Value::from), Some("b".into()));
//! # Ok(())
//! # }
//! ```
//!
//! [`Element`]: crate::model::msgpack::Element
//! [`Element::compare`]: crate::model::msgpack::Element::compare

mod cursor;
mod error;
pub mod list;
pub mod map;
mod parts;
mod position;
#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use error::EditError;
