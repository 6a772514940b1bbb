//! A store as a test calls it: one record at a time, waiting for each answer.

use futures::executor::block_on;

use super::super::*;
use crate::model::{Digest, PartitionId};

/// The calls of a store, waited for.
pub(in super::super) trait Blocking {
    fn read_one(&self, digest: &Digest) -> Lookup;
    fn commit_one(&self, digest: &Digest, expected: Expected, change: Change) -> Outcome;
    fn commit_all(&self, commits: Vec<Commit>) -> Vec<Outcome>;
    fn commit_seen_by(&self, observer: &dyn Observer, commits: Vec<Commit>) -> Vec<Outcome>;
    fn page(
        &self,
        partition: PartitionId,
        cursor: &mut Cursor,
        page: &ScanPage,
        out: &mut Vec<Scanned>,
    ) -> Result<bool, StoreError>;
    fn set(&self, name: &str) -> u16;
}

impl<S: RecordStore + ?Sized> Blocking for S {
    fn read_one(&self, digest: &Digest) -> Lookup {
        let mut out = Vec::new();
        block_on(self.read(&[*digest], &mut out));
        out.pop().expect("a read answers for each digest")
    }

    fn commit_one(&self, digest: &Digest, expected: Expected, change: Change) -> Outcome {
        let commit = Commit {
            digest: *digest,
            expected,
            change,
        };
        let mut out = self.commit_all(vec![commit]);
        out.pop().expect("a commit has an outcome")
    }

    fn commit_all(&self, commits: Vec<Commit>) -> Vec<Outcome> {
        self.commit_seen_by(&(), commits)
    }

    fn commit_seen_by(&self, observer: &dyn Observer, mut commits: Vec<Commit>) -> Vec<Outcome> {
        let mut out = Vec::new();
        block_on(self.commit(&mut commits, &mut out, observer));
        assert!(commits.is_empty());
        out
    }

    fn page(
        &self,
        partition: PartitionId,
        cursor: &mut Cursor,
        page: &ScanPage,
        out: &mut Vec<Scanned>,
    ) -> Result<bool, StoreError> {
        block_on(self.scan(partition, cursor, page, out))
    }

    fn set(&self, name: &str) -> u16 {
        block_on(self.set_id(name)).unwrap()
    }
}
