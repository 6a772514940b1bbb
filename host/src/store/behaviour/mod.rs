//! What every store does, tested on each of them from one table.

mod blocking;
mod model;
mod table;
mod waiting;

pub(super) use blocking::Blocking;
pub(super) use table::{digest, put, record, v};
pub(crate) use waiting::Waiting;
