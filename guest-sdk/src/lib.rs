//! Write user-defined functions for petrel as plain Rust functions.
//!
//! A function takes the record it works on and the arguments of the call, and returns a
//! value or an error. Mark it with [`macro@udf`], build the crate as a `cdylib` with
//! `petrel udf build`, register the component, and call it from any client:
//!
//! ```
//! use petrel_udf::{Record, Result};
//!
//! /// Reads: the score, multiplied.
//! #[petrel_udf::udf]
//! fn get_computed_value(record: &Record, factor: i64) -> Result<i64> {
//!     let score: Option<i64> = record.get("score")?;
//!     Ok(score.unwrap_or(0) * factor)
//! }
//!
//! /// Writes: counts the visit.
//! #[petrel_udf::udf]
//! fn visit(record: &mut Record) -> Result<i64> {
//!     let visits = record.get::<Option<i64>>("visits")?.unwrap_or(0) + 1;
//!     record.set("visits", visits)?;
//!     record.update()?;
//!     Ok(visits)
//! }
//!
//! // Functions are tested natively, on records made up by the test.
//! let mut record = Record::testing().bin("score", 20).build();
//! assert_eq!(get_computed_value(&record, 2).unwrap(), 40);
//! assert_eq!(visit(&mut record).unwrap(), 1);
//! ```
//!
//! Nothing that a function does is stored unless it returns `Ok`, and bins that it set are
//! stored only by [`Record::create`] or [`Record::update`]. Records arrive in batches, packed;
//! a bin is parsed when the function asks for it, and lists and maps are read in place.

mod aggregate;
mod arguments;
mod batch;
#[cfg(target_family = "wasm")]
mod bindings;
mod bins;
mod collection;
#[cfg(target_family = "wasm")]
mod component;
mod error;
mod from_value;
pub mod kind;
mod list_builder;
mod log;
mod macros;
mod map_builder;
mod record;
#[doc(hidden)]
pub mod rt;
#[cfg(feature = "serde")]
pub mod serde;
pub mod testing;
mod to_value;
mod value;
mod write;

pub use bins::Bins;
pub use collection::{List, Map};
pub use error::{Error, Result};
pub use from_value::FromValue;
pub use list_builder::ListBuilder;
pub use log::{Level, log};
pub use macros::{Bins, aggregate, udf};
pub use map_builder::MapBuilder;
pub use record::Record;
#[cfg(feature = "serde")]
pub use serde::Serde;
pub use to_value::{Outcome, ToValue};
pub use value::{Value, ValueRef};
pub use write::Ttl;
