//! The filter of a request.

use std::sync::Arc;

use crate::expr::{Expr, View};
use crate::model::{Error, Result, ResultCode};

/// An expression that says of a record whether a request is for it; clones share it.
#[derive(Clone, Debug)]
pub struct Filter(Arc<Expr>);

impl Filter {
    /// The filter that an expression makes.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when it gives no boolean.
    pub fn new(expression: Expr) -> Result<Self> {
        if !expression.is_filter() {
            return Err(Error::new(
                ResultCode::ParameterError,
                "the filter expression is not valid: it gives no boolean; compare its value with something",
            ));
        }
        Ok(Self(Arc::new(expression)))
    }

    /// Whether a record passes. What is unknown, absent or of another type does not pass.
    pub fn matches(&self, view: &View<'_>) -> bool {
        self.0.matches(view)
    }

    /// Whether the answer depends on more than the record's metadata.
    pub fn needs_bins(&self) -> bool {
        self.0.needs_bins()
    }
}
