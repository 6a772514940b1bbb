//! What the integration tests share: a host to talk to, the modules to register, the
//! clients' values, and raw frames for what no client would send.

#[cfg(doctest)]
mod book;
pub mod guests;
pub mod host;
pub mod raw;
pub mod users;

pub use guests::{Runtime, fixture, guest};
pub use host::{Host, connect};
