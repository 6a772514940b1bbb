//! Fills indexes from the store.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures::executor::block_on;

use super::{Definition, Index};
use crate::model::{PARTITIONS, PartitionId};
use crate::store::{Cursor, RecordStore, ScanPage, StoreError};

/// Records of one step of a scan: few, as a change of the partition may have to wait.
const PAGE: usize = 256;
/// Body bytes of one step, about.
const PAGE_BYTES: usize = 1 << 20;

/// Makes the indexes that there are to be at the start, and fills them on every core, before there
/// are changes to follow. On threads of its own: whoever opens a host may be part of an executor,
/// which must not be waited in.
pub(super) fn at_start(
    store: &dyn RecordStore,
    definitions: Vec<Definition>,
) -> Result<Vec<Arc<Index>>, StoreError> {
    if definitions.is_empty() {
        return Ok(Vec::new());
    }
    let make = |definition: Definition| -> Result<Arc<Index>, StoreError> {
        let set = block_on(definition.set_id(store))?;
        Ok(Arc::new(Index::new(definition, set)))
    };
    let all = || definitions.into_iter().map(make).collect();
    let made = thread::scope(|scope| scope.spawn(all).join());
    let made: Result<Vec<_>, _> = made.unwrap_or_else(|defect| resume_unwind(defect));
    let indexes = made?;
    let next = AtomicU16::new(0);
    let work = || {
        while let Some(partition) = take(&next) {
            fill(store, partition, &indexes);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    Ok(indexes)
}

fn take(next: &AtomicU16) -> Option<PartitionId> {
    let partition = next.fetch_add(1, Relaxed);
    (usize::from(partition) < PARTITIONS).then_some(partition)
}

/// Fills a partition of indexes in one scan.
fn fill(store: &dyn RecordStore, partition: PartitionId, indexes: &[Arc<Index>]) {
    for index in indexes {
        index.begin(partition);
    }
    match block_on(scan(store, partition, indexes)) {
        Ok(()) => indexes.iter().for_each(|index| index.end(partition)),
        Err(e) => {
            tracing::error!(partition, "an index cannot be built: {e}");
            indexes.iter().for_each(|index| index.fail(partition));
        }
    }
}

async fn scan(
    store: &dyn RecordStore,
    partition: PartitionId,
    indexes: &[Arc<Index>],
) -> Result<(), StoreError> {
    let limits = ScanPage {
        set: None,
        records: PAGE,
        bytes: PAGE_BYTES,
    };
    let (mut cursor, mut page) = (Cursor::default(), Vec::new());
    loop {
        let more = store
            .scan(partition, &mut cursor, &limits, &mut page)
            .await?;
        for index in indexes {
            index.fill(partition, cursor.after, &page);
        }
        page.clear();
        if !more {
            return Ok(());
        }
    }
}

/// What the thread is to do, in turn.
enum Work {
    Build(Arc<Index>),
    Free(Arc<Index>),
}

/// The thread that builds a namespace's indexes; it ends when this is dropped.
pub(super) struct Builder {
    work: Option<Sender<Work>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Builder {
    pub(super) fn start(store: Arc<dyn RecordStore>) -> Self {
        let (work, queue) = unbounded();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = thread::Builder::new()
            .name("index".into())
            .spawn(move || run(&*store, &queue, &stop));
        let thread = thread
            .inspect_err(|e| tracing::error!("cannot start the thread that builds indexes: {e}"))
            .ok();
        Self {
            work: Some(work),
            stopping,
            thread,
        }
    }

    /// Builds an index, after those that came before.
    pub(super) fn build(&self, index: Arc<Index>) {
        self.send(Work::Build(index));
    }

    /// Gives the memory of a dropped index back.
    pub(super) fn free(&self, index: Arc<Index>) {
        self.send(Work::Free(index));
    }

    fn send(&self, work: Work) {
        if let Some(queue) = &self.work
            && let Err(unsent) = queue.send(work)
            && let Work::Build(index) = unsent.into_inner()
        {
            // There is no thread.
            index.fail(0);
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        self.stopping.store(true, Relaxed);
        self.work.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(store: &dyn RecordStore, queue: &Receiver<Work>, stopping: &AtomicBool) {
    while let Ok(work) = queue.recv() {
        match work {
            Work::Build(index) => {
                let indexes = [index];
                let partitions = 0..PARTITIONS as PartitionId;
                let ended = || stopping.load(Relaxed) || indexes[0].is_dropped();
                for partition in partitions.take_while(|_| !ended()) {
                    fill(store, partition, &indexes);
                }
            }
            Work::Free(index) => index.clear(),
        }
    }
}
