//! The entries of one partition of an index, and how far they are filled from the store.

use std::collections::{BTreeSet, HashSet};
use std::mem;
use std::ops::Bound;

use super::place::Values;
use crate::model::Digest;

/// About how many bytes of memory an entry takes: its own, and its part of nodes that are two thirds
/// full. Measured, by the memory of a host, at 51 for many values and 59 for one.
pub(super) const ENTRY_BYTES: u64 = 51;

/// A value and a record that has it. Its bytes are in the order of the value, then the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry([u8; 28]);

impl Entry {
    /// The entry of a record at a value.
    pub fn new(value: i64, digest: &Digest) -> Self {
        let mut bytes = [0; 28];
        // With the sign turned, the bytes of integers are in the integers' order.
        bytes[..8].copy_from_slice(&(value ^ i64::MIN).to_be_bytes());
        bytes[8..].copy_from_slice(&digest.0);
        Self(bytes)
    }

    /// The value.
    pub fn value(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        i64::from_be_bytes(bytes) ^ i64::MIN
    }

    /// The record.
    pub fn digest(&self) -> Digest {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&self.0[8..]);
        Digest(bytes)
    }
}

/// How far a partition is filled.
#[derive(Debug, Default)]
enum Filled {
    /// Not begun: changes need not be followed, for the scan will see them.
    #[default]
    Nothing,
    /// Up to a digest. A page of the scan may be older than a change that came meanwhile, so the
    /// changed records ahead are noted: they are as the change has them.
    UpTo(Option<Digest>, HashSet<Digest>),
    /// Whole.
    Whole,
}

/// The entries of one partition.
#[derive(Debug, Default)]
pub(super) struct Entries {
    set: BTreeSet<Entry>,
    filled: Filled,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.set.iter()
    }

    /// Begins to fill it: the scan may begin once this has returned.
    pub(super) fn begin(&mut self) {
        self.set.clear();
        self.filled = Filled::UpTo(None, HashSet::new());
    }

    /// Takes a page of the scan: the records up to a digest, with their values.
    pub(super) fn fill(&mut self, up_to: Option<Digest>, page: &[(Digest, Values)]) {
        let Filled::UpTo(reached, changed) = &mut self.filled else {
            return;
        };
        for (digest, values) in page.iter().filter(|(digest, _)| !changed.contains(digest)) {
            let entries = values.iter().map(|value| Entry::new(*value, digest));
            self.set.extend(entries);
        }
        *reached = up_to.or(*reached);
        changed.retain(|digest| Some(*digest) > *reached);
    }

    /// Ends it: the scan has no more.
    pub(super) fn end(&mut self) {
        self.filled = Filled::Whole;
    }

    /// Follows a change of a record's values.
    pub(super) fn change(&mut self, digest: &Digest, before: &Values, after: &Values) {
        let nothing = Values::new();
        let before = match &mut self.filled {
            Filled::Nothing => return,
            Filled::UpTo(reached, changed) if Some(*digest) > *reached => {
                // At its first change it has no entries yet.
                match changed.insert(*digest) {
                    true => &nothing,
                    false => before,
                }
            }
            Filled::UpTo(..) | Filled::Whole => before,
        };
        for value in before.iter().filter(|v| after.binary_search(v).is_err()) {
            self.set.remove(&Entry::new(*value, digest));
        }
        for value in after.iter().filter(|v| before.binary_search(v).is_err()) {
            self.set.insert(Entry::new(*value, digest));
        }
    }

    /// Appends entries with values `from` to `to`, after an entry, at most `most` of them. Says
    /// whether there may be more.
    pub(super) fn page(
        &self,
        (from, to): (i64, i64),
        after: Option<Entry>,
        most: usize,
        out: &mut Vec<Entry>,
    ) -> bool {
        let first = Entry::new(from, &Digest([0; 20]));
        let last = Entry::new(to, &Digest([0xFF; 20]));
        let start = match after {
            Some(after) if after >= last => return false,
            Some(after) if after >= first => Bound::Excluded(after),
            _ => Bound::Included(first),
        };
        let before = out.len();
        out.extend(self.set.range((start, Bound::Included(last))).take(most));
        out.len() - before == most
    }

    /// Gives the memory of the entries back.
    pub(super) fn clear(&mut self) {
        drop(mem::take(&mut self.set));
        self.filled = Filled::Nothing;
    }
}
