//! Records at rest.

#[cfg(test)]
mod behaviour;
mod durable;
mod memory;
mod reap;
mod sets;
mod sizes;
mod store_trait;

pub use durable::{Durability, Durable, DurableOptions, DurableStore, OpenError, Table};
pub use memory::MemoryStore;
pub use reap::{Reaped, Reaper};
pub use store_trait::{
    Change, Commit, Committed, Cursor, Expected, RecordStore, ScanPage, Scanned, StoreError,
    Version, Versioned,
};
