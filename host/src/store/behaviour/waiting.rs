//! A store that answers later, as one behind a network does.

use std::sync::Arc;

use arc_swap::Guard;

use futures::FutureExt as _;

use super::super::*;
use crate::model::{Digest, PartitionId};

/// A store in memory whose every answer is waited for.
#[derive(Default)]
pub(crate) struct Waiting(MemoryStore);

/// Gives way to others for a while.
async fn a_while() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

impl RecordStore for Waiting {
    fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()> {
        let work = async move {
            a_while().await;
            self.0.read(digests, out).await;
            a_while().await;
        };
        Answer::Right(work.boxed())
    }

    fn commit<'a>(
        &'a self,
        commits: &'a mut Vec<Commit>,
        out: &'a mut Vec<Outcome>,
        observer: &'a dyn Observer,
    ) -> Answer<'a, ()> {
        let work = async move {
            a_while().await;
            self.0.commit(commits, out, observer).await;
            a_while().await;
        };
        Answer::Right(work.boxed())
    }

    fn scan<'a>(
        &'a self,
        partition: PartitionId,
        cursor: &'a mut Cursor,
        page: &'a ScanPage,
        out: &'a mut Vec<Scanned>,
    ) -> Answer<'a, Result<bool, StoreError>> {
        let work = async move {
            a_while().await;
            self.0.scan(partition, cursor, page, out).await
        };
        Answer::Right(work.boxed())
    }

    fn count(&self) -> (u64, u64) {
        self.0.count()
    }

    fn sets(&self) -> Guard<Arc<Sets>> {
        self.0.sets()
    }

    fn set_id<'a>(&'a self, name: &'a str) -> Answer<'a, Result<u16, StoreError>> {
        let work = async move {
            a_while().await;
            self.0.set_id(name).await
        };
        Answer::Right(work.boxed())
    }

    fn set_counts(&self) -> Vec<(u16, u64)> {
        self.0.set_counts()
    }

    fn flush(&self) -> Answer<'_, Result<(), StoreError>> {
        self.0.flush()
    }
}
