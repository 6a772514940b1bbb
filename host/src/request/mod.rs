//! What may be asked of a host and what it answers: the same for every door, with the rules that
//! belong to the asking.

mod aggregate;
mod batch;
mod filter;
mod query;
mod range;
mod reply;
#[allow(clippy::module_inception)]
mod request;
mod task;

pub use aggregate::{AggregateSpec, Yields};
pub use batch::Group;
pub use filter::Filter;
pub use query::{Found, QuerySpec, Resume};
pub use range::{IndexRange, IndexRef};
pub use reply::{Reply, ReplyBins};
pub use request::{BinSelection, Request, Target, UdfCall, Work};
pub use task::TaskSpec;
