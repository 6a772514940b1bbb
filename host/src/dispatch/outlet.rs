//! The values of an aggregation on their way to its reader.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::{Error, Result, Value};

/// With so many bytes waiting for the reader, the work waits for it too.
const FULL: usize = 1 << 20;

/// Values that wait to be read. Nobody waits to put some in: who would, looks first whether it is full.
#[derive(Default)]
pub struct Outlet {
    inner: Mutex<Inner>,
    /// Bytes in it, with those that values take themselves.
    bytes: AtomicUsize,
    changed: Notify,
}

/// What a reader finds.
pub enum Taken {
    /// Values, and whether the work may have waited for their being taken.
    Values(Vec<Value>, bool),
    /// Why there are no more.
    Failure(Error),
    /// There are no more.
    End,
    /// Nothing yet.
    Nothing,
}

#[derive(Default)]
struct Inner {
    values: Vec<Value>,
    ended: bool,
    failure: Option<Error>,
}

impl Outlet {
    /// Whether the reader is behind.
    pub fn is_full(&self) -> bool {
        self.bytes.load(Relaxed) >= FULL
    }

    /// Puts values in, and leaves `values` empty.
    pub fn put(&self, values: &mut Vec<Value>) {
        if values.is_empty() {
            return;
        }
        let bytes = values.iter().map(|v| v.heap_bytes() + size_of::<Value>());
        let bytes = bytes.sum::<usize>();
        let mut inner = self.inner.lock();
        inner.values.append(values);
        self.bytes.fetch_add(bytes, Relaxed);
        drop(inner);
        self.changed.notify_one();
    }

    /// Nothing more comes.
    pub fn close(&self, how: Result<()>) {
        let mut inner = self.inner.lock();
        inner.ended = true;
        inner.failure = how.err();
        drop(inner);
        self.changed.notify_one();
    }

    /// What is there for the reader.
    pub fn take(&self) -> Taken {
        let mut inner = self.inner.lock();
        if !inner.values.is_empty() {
            // Under the lock, so that whoever saw it full is told that it is not.
            let was_full = self.bytes.swap(0, Relaxed) >= FULL;
            return Taken::Values(std::mem::take(&mut inner.values), was_full);
        }
        match inner.failure.take() {
            Some(e) => Taken::Failure(e),
            None if inner.ended => Taken::End,
            None => Taken::Nothing,
        }
    }

    /// Waits until something was put in, or it is closed. For one reader.
    pub async fn wait(&self) {
        self.changed.notified().await;
    }
}
