//! Who runs what on which records. Every piece of work is a source of records, a request applied to
//! them, and a sink of outcomes: a call, a batch, a query, a background task, and removal.

mod aggregate;
mod apply;
mod attempt;
mod background;
mod batch;
mod dispatcher;
mod folder;
mod instances;
mod item;
mod live;
mod namespace;
mod outlet;
mod pool;
mod priority;
mod query;
mod range;
mod removal;
mod schedule;
mod sink;
mod source;
mod turns;
mod workers;

pub use aggregate::Aggregation;
pub use batch::Replies;
pub use dispatcher::{Dispatcher, Threads};
pub use namespace::Namespace;
pub use query::{Page, Query};

#[cfg(test)]
mod aggregate_tests;
#[cfg(test)]
mod range_tests;
#[cfg(test)]
mod tests;
