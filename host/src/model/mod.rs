//! The vocabulary that every other room shares: keys, values, records and result codes.

mod error;
mod grants;
mod key;
mod limits;
pub mod msgpack;
mod record;
mod time;
mod value;

pub use error::{Error, Result, ResultCode};
pub use grants::{Grants, Isolation};
pub use key::{Digest, Key, PARTITIONS, PartitionId};
pub use limits::{LimitOverrides, Limits};
pub use petrel_packed::{Bins, MAX_BIN_NAME, Particle, ParticleType};
pub use record::{BinName, Body, BodyBuilder, Meta, Record};
pub use time::{EPOCH_OFFSET_SECS, MAX_TTL, Ttl, now_millis, now_secs};
pub use value::Value;
