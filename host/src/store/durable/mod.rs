//! Records on disk: the namespaces of one fjall database.

mod codec;
mod commit;
mod database;
mod journal;
mod namespace;
mod scan;
mod table;
#[cfg(test)]
mod tests;

pub use database::{Durable, OpenError};
pub use namespace::DurableStore;
pub use table::Table;
