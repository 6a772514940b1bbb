//! Foreground queries: the records of a set or namespace, partition by partition.

use std::sync::Arc;

use super::Namespace;
use crate::expr::View;
use crate::model::{PartitionId, Result, now_secs};
use crate::request::{Found, QuerySpec};
use crate::store::{Cursor, ScanPage, Scanned};

/// How many records one page reads at most before it returns to its caller.
const PAGE: ScanPage = ScanPage {
    set: None,
    records: 256,
    bytes: 1 << 20,
};

/// Scans partitions of one namespace for one query.
pub struct Query {
    namespace: Arc<Namespace>,
    spec: QuerySpec,
    /// The set's id; `Some(None)` when the query names a set that no record has.
    set: Option<Option<u16>>,
    buffer: Vec<Scanned>,
}

impl Query {
    /// A query over a namespace.
    pub fn new(namespace: Arc<Namespace>, spec: QuerySpec) -> Self {
        let set = spec.set.as_ref().map(|name| namespace.find_set(name));
        Self {
            namespace,
            spec,
            set,
            buffer: Vec::new(),
        }
    }

    /// What it asks for.
    pub fn spec(&self) -> &QuerySpec {
        &self.spec
    }

    /// Appends the matching records of the next page of a partition to `out`, in digest
    /// order, and moves the cursor. Returns `false` when the partition has no more.
    ///
    /// # Errors
    /// The store's.
    pub fn page(
        &mut self,
        partition: PartitionId,
        cursor: &mut Cursor,
        out: &mut Vec<Found>,
    ) -> Result<bool> {
        let set = match self.set {
            Some(None) => return Ok(false),
            Some(id) => id,
            None => None,
        };
        self.buffer.clear();
        let more = self.namespace.store.scan(
            partition,
            cursor,
            &ScanPage { set, ..PAGE },
            &mut self.buffer,
        )?;
        let now = now_secs();
        let sets = self.namespace.sets();
        for Scanned { digest, versioned } in self.buffer.drain(..) {
            let record = versioned.record;
            if record.meta.is_expired(now) {
                continue;
            }
            let matches = self.spec.filter.as_ref().is_none_or(|filter| {
                let set = sets.get(usize::from(record.meta.set)).map_or("", |s| s);
                filter.matches(&View {
                    digest: &digest,
                    set,
                    record: Some(&record),
                    now,
                })
            });
            if matches {
                out.push(Found {
                    digest,
                    meta: record.meta,
                    body: record.body,
                });
            }
        }
        Ok(more)
    }
}
