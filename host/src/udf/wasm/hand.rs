//! The record that a function of the world `portable` has in hand.

use std::mem;

use crate::change::{RecordContext, Scope};
use crate::model::{Digest, Value};

/// The record in hand, and what the host keeps of it for a function.
pub(super) struct Hand {
    /// Somebody else's record while there is one, else a placeholder.
    pub(super) record: RecordContext,
    pub(super) scope: Scope,
    /// Whether the record exists, as the function sees it: one that it removed does not.
    pub(super) exists: bool,
    /// Bytes of the bins that the function set so far.
    pub(super) set_bytes: usize,
    held: bool,
}

impl Hand {
    /// An empty hand.
    pub(super) fn new() -> Self {
        Self {
            record: RecordContext::new(Digest([0; 20]), 0, None, None),
            scope: Scope::default(),
            exists: false,
            set_bytes: 0,
            held: false,
        }
    }

    /// Takes a record up; its place is empty until it is laid down.
    pub(super) fn take_up(&mut self, record: &mut RecordContext) {
        mem::swap(&mut self.record, record);
        self.exists = self.record.exists();
        self.set_bytes = 0;
        self.held = true;
    }

    /// Lays the record down where it was.
    pub(super) fn lay_down(&mut self, record: &mut RecordContext) {
        mem::swap(&mut self.record, record);
        self.held = false;
    }

    /// Itself, with a record in it.
    pub(super) fn holding(&self) -> Option<&Self> {
        self.held.then_some(self)
    }

    /// Itself, with a record in it.
    pub(super) fn holding_mut(&mut self) -> Option<&mut Self> {
        self.held.then_some(self)
    }

    /// The user key: the stored one, else the caller's.
    pub(super) fn user_key(&self) -> Value {
        let stored = self.record.user_key();
        let stored = stored.and_then(|key| Value::try_from(key).ok());
        stored
            .or_else(|| self.record.caller_key().cloned())
            .unwrap_or(Value::Nil)
    }
}
