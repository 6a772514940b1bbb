//! Who runs what on which records: one key, a batch, a scan of partitions.

mod apply;
mod attempt;
mod background;
mod dispatcher;
mod instances;
mod namespace;
mod open;
mod operate;
mod pool;
mod priority;
mod query;
mod reaping;
mod request;
mod turns;

pub use background::BackgroundSpec;
pub use dispatcher::{Dispatcher, Threads};
pub use namespace::Namespace;
pub use open::{HostOptions, NamespaceOptions, Storage};
pub use query::{Found, Query, QuerySpec};
pub use request::{
    BinSelection, ExistsAction, GenerationCheck, Reply, ReplyBins, Request, Target, UdfCall, Work,
    WritePolicy,
};

#[cfg(test)]
mod tests;
