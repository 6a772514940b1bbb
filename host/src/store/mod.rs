//! Records at rest.

#[cfg(test)]
pub(crate) mod behaviour;
#[cfg(feature = "durable")]
mod durable;
mod error;
mod memory;
mod observer;
mod options;
mod ordered;
mod sets;
mod sizes;
mod store_trait;

#[cfg(feature = "durable")]
pub use durable::{Durable, DurableStore, OpenError, Table};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use observer::Observer;
pub use options::{Durability, DurableOptions};
pub use sets::Sets;
pub use store_trait::{
    Answer, Change, Commit, Committed, Cursor, Expected, Lookup, Outcome, RecordStore, ScanPage,
    Scanned, Version, Versioned, at_once,
};
