//! What the rest of the host sees of an expression.

use std::sync::Arc;

use super::eval::Eval;
use super::kind::Kind;
use super::node::Node;
use super::operand::Operand;
use super::view::View;
use crate::model::Value;

/// A compiled expression; clones share it.
#[derive(Clone, Debug)]
pub struct Expr {
    root: Arc<Node>,
    needs_bins: bool,
}

impl Expr {
    pub(super) fn new(root: Node) -> Self {
        let needs_bins = root.needs_bins();
        Self {
            root: Arc::new(root),
            needs_bins,
        }
    }

    /// Whether the answer depends on the record's body (bins, stored key or size); if not,
    /// generation, expiry, set and digest decide.
    pub fn needs_bins(&self) -> bool {
        self.needs_bins
    }

    /// Whether the expression can be a filter: its type is boolean, or the record decides.
    pub fn is_filter(&self) -> bool {
        self.root.kind().is_none_or(|kind| kind == Kind::Bool)
    }

    /// Whether the record passes. What is unknown, absent or of another type does not pass.
    ///
    /// Allocates nothing, unless the expression compares lists or maps, takes ranks in them
    /// or nests more than eight variables.
    pub fn matches(&self, view: &View<'_>) -> bool {
        matches!(Eval::new(view).eval(&self.root), Some(Operand::Bool(true)))
    }

    /// The expression's value; `None` when it is unknown.
    pub fn eval(&self, view: &View<'_>) -> Option<Value> {
        Eval::new(view)
            .eval(&self.root)
            .map(|operand| operand.to_value())
    }
}
