//! What every store does, tested on each of them from one table.

mod model;
mod table;

pub(super) use table::{digest, put, record, v};
