//! How large an expression may be.

/// Trees deeper than this are refused, so that neither building, evaluating nor dropping
/// one can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 96;

/// How many variables may be in scope at once.
pub(super) const MAX_VARIABLES: usize = 256;
