//! Filter expressions.

use crate::model::{Digest, Record, Value};

/// A filter expression.
#[derive(Debug)]
pub struct Expr;
/// What an expression looks at.
#[derive(Debug)]
pub struct View<'a> {
    /// Digest.
    pub digest: &'a Digest,
    /// Set name.
    pub set: &'a str,
    /// The record, if it exists.
    pub record: Option<&'a Record>,
    /// Now, seconds since 2010.
    pub now: u32,
}
/// Why an expression was refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExprError(String);
impl Expr {
    /// Whether bins are needed.
    pub fn needs_bins(&self) -> bool {
        true
    }
    /// Whether the record matches.
    pub fn matches(&self, _: &View<'_>) -> bool {
        true
    }
    /// The value.
    pub fn eval(&self, _: &View<'_>) -> Option<Value> {
        None
    }
}
/// Decodes field 43.
///
/// # Errors
/// When malformed.
pub fn decode(_: &[u8]) -> Result<Expr, ExprError> {
    Err(ExprError("no expressions yet".into()))
}
