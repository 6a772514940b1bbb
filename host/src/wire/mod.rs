//! The Aerospike wire protocol (level 8.2.0): bytes to requests, replies to bytes. No behaviour.

mod ask;
mod batch;
mod command;
mod compress;
pub mod flags;
mod frame;
mod index;
#[cfg(test)]
mod index_tests;
mod message;
mod query;
mod reply;
#[cfg(test)]
mod tests;

pub use ask::{Answer, push_request, read_answers};
pub use batch::Batch;
pub use command::{Command, UDF_AGGREGATE_HERE};
pub use compress::inflate;
pub use frame::{
    FRAME_HEADER, FrameError, FrameHeader, FrameKind, VERSION, begin_frame, end_frame,
};
pub use index::pack_index_range;
pub use message::{Fields, Header, MESSAGE_HEADER, Message, RawOp};
pub use query::QueryParams;
pub use reply::{
    ReplyTo, push_failure, push_found, push_last, push_partition_done, push_refusal, push_reply,
    push_security_refusal, push_single,
};
