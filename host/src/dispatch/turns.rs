//! Turns: how a record that keeps changing is still written by a slow function.
//!
//! Writers do not lock records; they commit against the version they read and run again when
//! it changed. A function that lost too often takes the record's turn: other writers of that one
//! record wait until it has committed, so none starves. Without such a loser nobody waits,
//! and asking costs one atomic load.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::model::Digest;

/// Who has a turn now, in one namespace or several: digests tell records apart.
#[derive(Default)]
pub struct Turns {
    count: AtomicUsize,
    held: Mutex<HashSet<Digest>>,
    released: Condvar,
    released_async: Notify,
}

/// A record's turn, given back on drop.
pub struct Turn {
    turns: Arc<Turns>,
    digest: Digest,
}

impl Turns {
    /// Takes a record's turn, after whoever has it.
    pub fn take(self: &Arc<Self>, digest: Digest) -> Turn {
        let mut held = self.held.lock();
        while !held.insert(digest) {
            self.released.wait(&mut held);
        }
        self.count.fetch_add(1, Ordering::Release);
        Turn {
            turns: self.clone(),
            digest,
        }
    }

    /// Whether somebody has the record's turn.
    pub fn is_held(&self, digest: &Digest) -> bool {
        self.count.load(Ordering::Acquire) != 0 && self.held.lock().contains(digest)
    }

    /// Blocks until nobody has the record's turn.
    pub fn wait(&self, digest: &Digest) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut held = self.held.lock();
        while held.contains(digest) {
            self.released.wait(&mut held);
        }
    }

    /// As [`Turns::wait`], without blocking the thread.
    pub async fn wait_async(&self, digest: &Digest) {
        loop {
            let released = self.released_async.notified();
            if !self.is_held(digest) {
                return;
            }
            released.await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.held.lock().remove(&self.digest);
        self.turns.count.fetch_sub(1, Ordering::Release);
        self.turns.released.notify_all();
        self.turns.released_async.notify_waiters();
    }
}
