//! What an expression is asked about.

use crate::model::{Digest, Record};

/// What an expression is asked about.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The record's digest.
    pub digest: &'a Digest,
    /// The record's set; empty for the null set.
    pub set: &'a str,
    /// The record, or `None` when there is none.
    pub record: Option<&'a Record>,
    /// Now, in seconds since 2010-01-01 UTC ([`crate::model::now_secs`]).
    pub now: u32,
}
