//! Turns: how a record that keeps changing is still written by a slow function.
//!
//! Writers do not lock records; they commit against the version they read and run again when
//! it changed. A function that lost too often takes the record's turn: writers of that one
//! record that come later wait until it has committed, so none starves. Without such a loser
//! nobody waits, and asking costs one atomic load.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::Digest;

/// Who has a turn now, in one namespace.
#[derive(Default)]
pub struct Turns {
    count: AtomicUsize,
    held: Mutex<HashSet<Digest>>,
    released: Notify,
}

/// A record's turn, given back on drop.
pub struct Turn {
    turns: Arc<Turns>,
    digest: Digest,
}

impl Turns {
    /// Takes a record's turn, after whoever has it.
    pub async fn take(self: &Arc<Self>, digest: Digest) -> Turn {
        loop {
            let released = self.released.notified();
            if self.held.lock().insert(digest) {
                self.count.fetch_add(1, Ordering::SeqCst);
                return Turn {
                    turns: self.clone(),
                    digest,
                };
            }
            released.await;
        }
    }

    /// Whether nobody has a turn, of any record.
    #[inline]
    pub fn are_free(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Waits until nobody has the record's turn.
    pub async fn wait(&self, digest: &Digest) {
        while !self.are_free() {
            let released = self.released.notified();
            if !self.held.lock().contains(digest) {
                return;
            }
            released.await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.held.lock().remove(&self.digest);
        self.turns.count.fetch_sub(1, Ordering::SeqCst);
        self.turns.released.notify_waiters();
    }
}
