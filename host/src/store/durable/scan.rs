//! One page of a scan, read from the database.

use std::ops::Bound;
use std::sync::Arc;

use fjall::Keyspace;

use super::super::{Cursor, ScanPage, Scanned, StoreError};
use super::codec::{self, Head};
use crate::model::{Digest, PARTITIONS, PartitionId};

/// Greatest digest there is: no record of a partition sorts after it.
const LAST: Digest = Digest([0xFF; 20]);

/// How many records of other sets one page passes over before it ends.
const SCAN_STRIDE: usize = 4096;

/// A page to read: whole in itself, so that it can be read on another thread.
pub(super) struct Scan {
    pub(super) records: Keyspace,
    pub(super) namespace: Arc<str>,
    pub(super) partition: PartitionId,
    pub(super) page: ScanPage,
}

impl Scan {
    /// Reads it; see [`RecordStore::scan`](super::super::RecordStore::scan).
    pub(super) fn run(
        &self,
        cursor: &mut Cursor,
        out: &mut Vec<Scanned>,
    ) -> Result<bool, StoreError> {
        let Self {
            partition, page, ..
        } = *self;
        if usize::from(partition) >= PARTITIONS {
            return Ok(false);
        }
        let from = match &cursor.after {
            None => Bound::Included(codec::key_in(partition, &Digest([0; 20]))),
            Some(digest) => Bound::Excluded(codec::key_in(partition, digest)),
        };
        let to = Bound::Included(codec::key_in(partition, &LAST));
        let mut walk = self.records.range::<[u8; 22], _>((from, to));
        let (mut records, mut bytes, mut passed) = (0, 0, 0);
        while let Some(entry) = walk.next() {
            let (key, value) = entry.into_inner()?;
            let Some(digest) = codec::digest(&key) else {
                tracing::warn!(
                    namespace = &*self.namespace,
                    partition,
                    "passed over a malformed key"
                );
                continue;
            };
            cursor.after = Some(digest);
            let wanted = |head: Head| page.set.is_none_or(|set| set == head.meta.set);
            match codec::head(&value).map(wanted) {
                Ok(false) => passed += 1,
                Ok(true) | Err(_) => match codec::versioned(&value) {
                    Ok(versioned) => {
                        records += 1;
                        bytes += versioned.record.body.as_bytes().len();
                        out.push(Scanned { digest, versioned });
                    }
                    Err(what) => {
                        let damage = StoreError::Damaged { digest, what };
                        tracing::warn!(namespace = &*self.namespace, "passed over: {damage}");
                    }
                },
            }
            if records >= page.records || bytes > page.bytes || passed >= SCAN_STRIDE {
                return Ok(walk.next().is_some());
            }
        }
        Ok(false)
    }
}
