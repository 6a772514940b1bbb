//! Who runs what on which records: one key, a batch, a scan of partitions.

mod namespace;
mod query;
mod request;

pub use namespace::Namespace;
pub use query::{Found, Query, QuerySpec};
pub use request::{
    BinSelection, ExistsAction, GenerationCheck, Reply, ReplyBins, Request, Target, UdfCall, Work,
    WritePolicy,
};
