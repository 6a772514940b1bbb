//! What a query asks for, and what it yields.

use std::sync::Arc;

use super::BinSelection;
use crate::expr::Expr;
use crate::model::{Body, Digest, Meta};

/// What a query asks for.
#[derive(Clone, Debug)]
pub struct QuerySpec {
    /// The set; `None` for the whole namespace.
    pub set: Option<Vec<u8>>,
    /// Records that do not match are passed over.
    pub filter: Option<Arc<Expr>>,
    /// The bins to return.
    pub bins: BinSelection,
}

/// A record that a query yields.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its digest.
    pub digest: Digest,
    /// Its metadata; the set's name is in the namespace.
    pub meta: Meta,
    /// Its bins and user key.
    pub body: Body,
}
