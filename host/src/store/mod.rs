//! Records at rest.

mod memory;
mod reap;
mod sets;
mod store_trait;

pub use memory::MemoryStore;
pub use reap::{Reaped, Reaper};
pub use store_trait::{
    Change, Committed, Cursor, Expected, RecordStore, ScanPage, Scanned, StoreError, Version,
    Versioned,
};
