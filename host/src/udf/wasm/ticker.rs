//! Advances the engine's epoch while functions run, and sleeps while none does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How often running code is asked to look at its deadline.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// How many idle ticks pass before the thread sleeps: waking it for every call of a busy
/// stream would cost more than the ticks.
const IDLE_TICKS: u32 = 100;

#[derive(Debug, Default)]
struct Shared {
    /// Something ran since the last tick.
    ran: AtomicBool,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// The thread that ticks; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking for an engine.
    pub(super) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let handle = std::thread::Builder::new()
            .name("wasm-ticker".into())
            .spawn({
                let shared = shared.clone();
                move || tick(&engine, &shared)
            })?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
            handle: Some(handle),
        })
    }

    /// Keeps the epoch moving for a while. To be called when a function starts, and at each tick
    /// that it sees: the thread does not sleep before [`IDLE_TICKS`] without a call.
    ///
    /// What all threads share is nearly always only read here, so that calls on several of them do not
    /// wait for one another's caches.
    #[inline]
    pub(super) fn keep_ticking(&self) {
        if !self.shared.ran.load(Ordering::Relaxed) {
            // Either this sees the thread asleep, or the thread sees this before it sleeps.
            self.shared.ran.store(true, Ordering::SeqCst);
            if self.shared.asleep.load(Ordering::SeqCst) {
                self.thread.unpark();
            }
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // The thread runs nothing that panics.
            let _ = handle.join();
        }
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        std::thread::sleep(TICK);
        engine.increment_epoch();
        if shared.ran.swap(false, Ordering::SeqCst) {
            idle = 0;
            continue;
        }
        idle += 1;
        if idle > IDLE_TICKS {
            shared.asleep.store(true, Ordering::SeqCst);
            if !shared.ran.load(Ordering::SeqCst) && !shared.stopped.load(Ordering::SeqCst) {
                std::thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
