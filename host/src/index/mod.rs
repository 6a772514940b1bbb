//! Secondary indexes: which records have a value in a bin, or in a list or map in it.
//!
//! An index holds entries of (value, digest) in memory, ordered in each partition. It follows the
//! commits of its namespace ([`Observer`](crate::store::Observer)), is filled from the store in
//! the background, and answers with the entries in a range. A record is read after its entry, so
//! whoever uses an entry looks at the record again ([`Range::matches`]).
//!
//! ```
//! use std::sync::Arc;
//!
//! use petrel::index::{Definition, Indexes, Kind, Place};
//! use petrel::store::MemoryStore;
//!
//! # futures::executor::block_on(async {
//! let indexes = Indexes::new(Arc::new(MemoryStore::new()));
//! let place = Place::of_bin(b"age", Kind::Numeric)?;
//! indexes.create(Definition::new("age_idx", "users", place)?).await?;
//! assert_eq!(indexes.all()[0].definition().name, "age_idx");
//! # Ok::<(), petrel::index::IndexError>(())
//! # }).unwrap();
//! ```

mod build;
mod cardinality;
mod catalog;
mod context;
mod definition;
mod entries;
mod error;
#[allow(clippy::module_inception)]
mod index;
mod indexes;
mod place;
mod range;
#[cfg(test)]
mod tests;

pub use catalog::Catalog;
pub use context::Context;
pub use definition::Definition;
pub use entries::Entry;
pub use error::IndexError;
pub use index::{Index, State, Statistics};
pub use indexes::{Indexes, MAX_INDEXES};
pub use place::{Collection, Kind, Place};
pub use range::{Bounds, Range};
