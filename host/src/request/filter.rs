//! The filter of a request.

use std::sync::Arc;

use crate::expr::{Expr, View};
use crate::index::Range;
use crate::model::{Error, Result, ResultCode};

/// What a record must have for a request to be for it: an expression says so, or a range of an
/// index, or both; clones share them. The default lets every record pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    expression: Option<Arc<Expr>>,
    range: Option<Arc<Range>>,
}

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
        Ok(Self {
            expression: Some(Arc::new(expression)),
            range: None,
        })
    }

    /// The filter, and a range that the record's values must be in too.
    pub fn within(self, range: Arc<Range>) -> Self {
        Self {
            range: Some(range),
            ..self
        }
    }

    /// Whether a record passes. What is unknown, absent or of another type does not pass.
    pub fn matches(&self, view: &View<'_>) -> bool {
        let in_range = |range: &Arc<Range>| view.record.is_some_and(|r| range.matches(r));
        self.range.as_ref().is_none_or(in_range)
            && self.expression.as_ref().is_none_or(|e| e.matches(view))
    }

    /// Whether the answer depends on more than the record's metadata.
    pub fn needs_bins(&self) -> bool {
        self.range.is_some() || self.expression.as_ref().is_some_and(|e| e.needs_bins())
    }
}
