//! Records at rest.

#[cfg(test)]
pub(crate) mod behaviour;
mod durable;
mod error;
mod memory;
mod sets;
mod sizes;
mod store_trait;

pub use durable::{Durability, Durable, DurableOptions, DurableStore, OpenError, Table};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use sets::Sets;
pub use store_trait::{
    Answer, Change, Commit, Committed, Cursor, Expected, Lookup, Outcome, RecordStore, ScanPage,
    Scanned, Version, Versioned, at_once,
};
