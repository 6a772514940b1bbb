//! How long work may go on, and who may end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A flag that ends work; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not raised yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the work, soon.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work is to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a run of a function over a batch may take, beside the limits of its module.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// How long an invocation may hold its thread, about: the time that it runs, not the time that
    /// the thread waits for a core. One that takes longer ends as
    /// [`UdfErrorKind::Overran`](super::UdfErrorKind::Overran) and has changed nothing. `None`: as long
    /// as the module's own time limit lets it.
    pub patience: Option<Duration>,
    /// Ends the run from outside; what was not run yet fails as
    /// [`UdfErrorKind::Cancelled`](super::UdfErrorKind::Cancelled). `None`: nobody can.
    pub cancel: Option<Cancel>,
}

impl Budget {
    /// Whether somebody wants the run to end.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }
}
