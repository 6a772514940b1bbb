//! A record being changed: the one meaning of record effects, for functions and operations.

mod effects;
mod policy;
mod record;
mod scope;

pub use effects::Effects;
pub use policy::{ExistsAction, GenerationCheck, WritePolicy, check_key};
pub use record::{MAX_CHANGES, RecordContext};
pub use scope::Scope;
