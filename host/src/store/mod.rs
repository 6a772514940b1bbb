//! Records at rest.

mod store_trait;

pub use store_trait::{
    Change, Committed, Cursor, Expected, RecordStore, ScanPage, Scanned, StoreError, Version,
    Versioned,
};
