//! The workers of the threads that bring calls: one each, so that a thread finds its own again.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use super::apply::Worker;

/// A worker that no call uses now. Neighbours do not share a cache line.
#[derive(Default)]
#[repr(align(64))]
struct Slot(Mutex<Option<Box<Worker>>>);

/// Workers to borrow, for one host.
pub struct Workers {
    slots: Box<[Slot]>,
    /// How many modules each keeps instances of.
    modules: usize,
}

impl Workers {
    /// Workers for `threads` threads, which keep instances of `modules` modules each.
    pub fn new(threads: usize, modules: usize) -> Self {
        Self {
            slots: (0..threads.max(1)).map(|_| Slot::default()).collect(),
            modules,
        }
    }

    /// The calling thread's worker, or a new one when another call has it. One that is not given
    /// back, because its call was dropped or met a defect, is gone.
    pub fn borrow(&self) -> Box<Worker> {
        let kept = self.slot().0.try_lock().and_then(|mut kept| kept.take());
        kept.unwrap_or_else(|| Box::new(Worker::new(self.modules)))
    }

    /// Takes a worker back.
    pub fn give_back(&self, worker: Box<Worker>) {
        if let Some(mut kept) = self.slot().0.try_lock() {
            *kept = Some(worker);
        }
    }

    fn slot(&self) -> &Slot {
        &self.slots[thread_number() % self.slots.len()]
    }
}

/// Threads are numbered as they come.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Relaxed));
        }
        number.get()
    })
}
