//! When a commit counts as durable.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};
use fjall::{Database, PersistMode};
use futures::FutureExt as _;
use tokio::sync::oneshot;

use super::super::{Answer, Durability, StoreError, at_once};

/// Somebody who waits for a flush.
type Waiter = oneshot::Sender<Result<(), String>>;

/// Takes commits to the disk, many with one flush.
pub(super) struct Journal {
    database: Database,
    /// The thread that flushes, where commits wait for it.
    flusher: Option<(Sender<Waiter>, JoinHandle<()>)>,
}

impl Journal {
    pub(super) fn new(database: Database, durability: Durability) -> std::io::Result<Self> {
        let flusher = match durability {
            Durability::Buffered => None,
            Durability::Synced => {
                let (waiters, queue) = unbounded();
                let database = database.clone();
                let thread = std::thread::Builder::new()
                    .name("journal".into())
                    .spawn(move || flush_for(&database, &queue))?;
                Some((waiters, thread))
            }
        };
        Ok(Self { database, flusher })
    }

    /// An empty batch of writes.
    pub(super) fn batch(&self) -> fjall::OwnedWriteBatch {
        self.database.batch()
    }

    /// Waits until writes that were applied before the call are as durable as configured. No
    /// thread is held meanwhile.
    pub(super) fn durable(&self) -> Answer<'static, Result<(), StoreError>> {
        let Some((waiters, _)) = &self.flusher else {
            // Every write already went to the operating system by itself.
            return at_once(Ok(()));
        };
        let (waiter, flushed) = oneshot::channel();
        let ended = || StoreError::Engine("the journal's thread has ended".into());
        if waiters.send(waiter).is_err() {
            return at_once(Err(ended()));
        }
        let wait = async move {
            match flushed.await {
                Ok(result) => result.map_err(StoreError::Engine),
                Err(_) => Err(ended()),
            }
        };
        Answer::Right(wait.boxed())
    }

    /// Makes everything that was written so far as durable as configured.
    pub(super) fn flush(&self) -> Answer<'static, Result<(), StoreError>> {
        match &self.flusher {
            Some(_) => self.durable(),
            None => at_once(
                self.database
                    .persist(PersistMode::Buffer)
                    .map_err(StoreError::from),
            ),
        }
    }
}

impl Drop for Journal {
    /// Ends the thread, so that the database is closed when its last owner lets go of it.
    fn drop(&mut self) {
        if let Some((waiters, thread)) = self.flusher.take() {
            drop(waiters);
            let _ = thread.join();
        }
    }
}

/// Flushes for whoever waits; those who come during a flush share the next one. A commit asks
/// after it was applied, so the flush that begins later covers it.
fn flush_for(database: &Database, queue: &Receiver<Waiter>) {
    while let Ok(first) = queue.recv() {
        let waiters: Vec<Waiter> = std::iter::once(first).chain(queue.try_iter()).collect();
        let result = database.persist(PersistMode::SyncData);
        let result = result.map_err(|e| e.to_string());
        for waiter in waiters {
            // Who went away meanwhile needs no answer.
            let _ = waiter.send(result.clone());
        }
    }
}
