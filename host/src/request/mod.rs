//! What may be asked of a host and what it answers: the same for every door.

mod query;
mod reply;
#[allow(clippy::module_inception)]
mod request;

pub use query::{Found, QuerySpec};
pub use reply::{Reply, ReplyBins};
pub use request::{BinSelection, Request, Target, UdfCall, Work};
