//! The thread that removes expired records.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::Namespace;
use crate::model::{Error, Result, ResultCode, now_secs};
use crate::store::Reaper;

/// How long the thread rests between two steps.
const REST: Duration = Duration::from_secs(1);
/// How many records of a namespace one step looks at.
const RECORDS_A_STEP: u64 = 50_000;

/// Removes expired records until it is dropped.
pub struct Reaping {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reaping {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`] when it cannot be started.
    pub fn start(namespaces: Vec<Arc<Namespace>>) -> Result<Self> {
        let (stop, stopped) = bounded(0);
        let thread = thread::Builder::new()
            .name("reaper".into())
            .spawn(move || {
                let mut reapers: Vec<_> = namespaces.iter().map(|ns| (ns, Reaper::new())).collect();
                while stopped.recv_timeout(REST) == Err(RecvTimeoutError::Timeout) {
                    for (ns, reaper) in &mut reapers {
                        if let Err(e) = reaper.step(&*ns.store, now_secs(), RECORDS_A_STEP, |_| {})
                        {
                            tracing::error!("expired records of namespace {} stay: {e}", ns.name);
                        }
                    }
                }
            })
            .map_err(|e| {
                Error::new(
                    ResultCode::ServerError,
                    format!("cannot start the reaper thread: {e}"),
                )
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Reaping {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
