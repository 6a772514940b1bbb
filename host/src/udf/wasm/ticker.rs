//! Advances the engine's epoch while functions run, and sleeps while none does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    running: AtomicUsize,
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

    /// Keeps the epoch moving until the guard is dropped.
    pub(super) fn running(&self) -> Running<'_> {
        // Either this sees the thread asleep, or the thread sees the count before it sleeps.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
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

/// Held while a function runs.
pub(super) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        std::thread::sleep(TICK);
        engine.increment_epoch();
        if shared.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
            continue;
        }
        idle += 1;
        if idle > IDLE_TICKS {
            shared.asleep.store(true, Ordering::SeqCst);
            if shared.running.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst)
            {
                std::thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
