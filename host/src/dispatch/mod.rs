//! Who runs what on which records: one key, a batch, a scan of partitions.

mod apply;
mod attempt;
mod background;
mod dispatcher;
mod instances;
mod namespace;
mod pool;
mod priority;
mod query;
mod reaping;
mod turns;

pub use background::BackgroundSpec;
pub use dispatcher::{Dispatcher, Threads};
pub use namespace::Namespace;
pub use query::Query;

#[cfg(test)]
mod tests;
