//! Records by a range of a secondary index.

use std::collections::HashSet;
use std::sync::Arc;

use super::Namespace;
use super::item::Item;
use crate::index::{Entry, Index, Range};
use crate::model::{Digest, Error, PartitionId, Result, ResultCode};
use crate::request::{Filter, IndexRange, IndexRef, Resume};
use crate::store::{Lookup, Scanned, StoreError};

/// Records that are read at a time.
const TOGETHER: usize = 32;

/// An index and the range of it that work is for; clones share them.
#[derive(Clone, Debug)]
pub struct Ranged {
    index: Arc<Index>,
    range: Arc<Range>,
}

impl Ranged {
    /// As [`find_for`](Self::find_for), for tasks and aggregations.
    ///
    /// # Errors
    /// As [`find_for`](Self::find_for), but [`ResultCode::NotFound`] of a set that never had a record:
    /// clients take it for an end without records.
    pub fn find_for_work(
        namespace: &Namespace,
        set: Option<&[u8]>,
        asked: Option<&IndexRange>,
    ) -> Result<Option<Self>> {
        Self::find_for(namespace, set, asked).map_err(|e| match set {
            Some(name) if namespace.find_set(name).is_none() => Error::new(
                ResultCode::NotFound,
                format!("there is no set {}", String::from_utf8_lossy(name)),
            ),
            _ => e,
        })
    }

    /// The index that a caller means, if any, which must be readable.
    ///
    /// # Errors
    /// [`ResultCode::IndexNotFound`],
    /// [`ResultCode::IndexNotReadable`].
    pub fn find_for(
        namespace: &Namespace,
        set: Option<&[u8]>,
        asked: Option<&IndexRange>,
    ) -> Result<Option<Self>> {
        let Some(asked) = asked else {
            return Ok(None);
        };
        let index = match &asked.index {
            IndexRef::Named(name) => namespace.indexes().readable(name)?,
            IndexRef::Of(place) => namespace.indexes().of(set.unwrap_or_default(), place)?,
        };
        let range = Range {
            place: index.definition().place.clone(),
            bounds: asked.bounds.clone(),
        };
        Ok(Some(Self {
            index,
            range: Arc::new(range),
        }))
    }

    /// The index's name.
    pub fn name(&self) -> &str {
        &self.index.definition().name
    }

    /// The filter that a record has to pass as it is when it is worked on: a caller's own, and that
    /// it is still in the range that the work goes by, if any.
    pub fn filter(range: Option<&Self>, own: Option<Filter>) -> Option<Filter> {
        match range {
            Some(Self { range, .. }) => Some(own.unwrap_or_default().within(range.clone())),
            None => own,
        }
    }
}

/// Reads the records of a range, a page of a partition at a time.
pub struct Reader {
    ranged: Ranged,
    /// The records of this partition that were met, where they may be met again at another value: a
    /// task that adds to what it goes by must not follow its own writes.
    seen: HashSet<Digest>,
    entries: Vec<Entry>,
    digests: Vec<Digest>,
    found: Vec<Lookup>,
}

impl Reader {
    /// A reader of a range.
    pub fn new(ranged: Ranged) -> Self {
        Self {
            ranged,
            seen: HashSet::new(),
            entries: Vec::new(),
            digests: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Appends the next records of a partition to `out`, at most `records` of them and few more
    /// than `bytes` of bodies, and moves `after` past them; of a set, where one is given. Returns
    /// `false` when the partition has no more.
    ///
    /// # Errors
    /// The store's; damaged records are logged and passed over.
    pub async fn page(
        &mut self,
        namespace: &Namespace,
        (partition, set): (PartitionId, Option<u16>),
        after: &mut Option<Resume>,
        (records, bytes): (usize, usize),
        out: &mut Vec<Item>,
    ) -> Result<bool, StoreError> {
        let Ranged { index, range } = &self.ranged;
        self.entries.clear();
        let from = after.map(|resume| Entry::new(resume.value, &resume.digest));
        let mut more = index.page(partition, range, from, records, &mut self.entries);
        let mut read = 0;
        for entries in self.entries.chunks(TOGETHER) {
            if read >= bytes {
                more = true;
                break;
            }
            *after = entries.last().map(|entry| Resume {
                value: entry.value(),
                digest: entry.digest(),
            });
            let repeats = range.may_repeat();
            let fresh = |entry: &&Entry| !repeats || self.seen.insert(entry.digest());
            let fresh: Vec<&Entry> = entries.iter().filter(fresh).collect();
            self.digests.clear();
            self.digests
                .extend(fresh.iter().map(|entry| entry.digest()));
            namespace.read(&self.digests, &mut self.found).await;
            for (entry, found) in fresh.into_iter().zip(self.found.drain(..)) {
                let versioned = match found {
                    Ok(Some(versioned)) => versioned,
                    Ok(None) => continue,
                    Err(e @ StoreError::Damaged { .. }) => {
                        tracing::warn!(namespace = &*namespace.name, "passed over: {e}");
                        continue;
                    }
                    Err(e) => return Err(e),
                };
                if set.is_some_and(|set| set != versioned.record.meta.set) {
                    continue;
                }
                let mut item = Item::from(Scanned {
                    digest: entry.digest(),
                    versioned,
                });
                item.found_at = Some(entry.value());
                read += item.bytes();
                out.push(item);
            }
        }
        if !more {
            self.seen.clear();
        }
        Ok(more)
    }
}
