//! Commits: what is there, what a change makes of it, and the counts that follow.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use super::super::observer::tell;
use super::super::sets::SetCounts;
use super::super::{Change, Commit, Committed, Expected, Observer, Outcome, StoreError, Version};
use super::codec::{self, Head};
use super::namespace::DurableStore;
use crate::model::{Digest, Record};

/// What a commit finds in its record's place.
#[derive(Clone, Copy)]
enum Found {
    Nothing,
    /// A value without a readable head; it is in no count.
    Damaged,
    Record(Head),
}

impl Found {
    fn head(&self) -> Option<&Head> {
        match self {
            Found::Record(head) => Some(head),
            Found::Nothing | Found::Damaged => None,
        }
    }
}

/// What a commit does to the database.
enum Write {
    Nothing,
    Put(Vec<u8>),
    Remove,
}

/// The state of a record's place before and after a commit.
struct Step {
    before: Found,
    after: Found,
}

impl DurableStore {
    /// Applies one commit, up to its durability: cheaper than a batch of one.
    pub(super) fn commit_alone(&self, commit: Commit, observer: &dyn Observer) -> Outcome {
        let Commit {
            digest,
            expected,
            change,
        } = commit;
        let key = codec::key(&digest);
        let partition = usize::from(digest.partition());
        let mut sets = self.partitions[partition].lock();
        let watched = observer.is_watching();
        let (before, old) = self.find(&key, watched)?;
        check(&digest, expected, &before)?;
        let new = kept(&change, watched);
        let (write, after, committed) = self.plan(&before, change);
        match write {
            Write::Nothing => {}
            Write::Put(value) => self.records.insert(key, value)?,
            Write::Remove => self.records.remove(key)?,
        }
        self.account(&mut sets, partition, &Step { before, after });
        if watched {
            tell(observer, &digest, old.as_ref(), new.as_ref());
        }
        Ok(committed)
    }

    /// Applies commits with one entry of the journal, up to their durability.
    pub(super) fn commit_together(
        &self,
        commits: impl Iterator<Item = Commit>,
        outcomes: &mut Vec<Outcome>,
        observer: &dyn Observer,
    ) {
        let commits: Vec<Commit> = commits.collect();
        // Locks are taken in one order everywhere, so that two batches cannot wait for each other.
        let mut wanted: Vec<usize> = commits
            .iter()
            .map(|commit| usize::from(commit.digest.partition()))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut locked: Vec<_> = wanted
            .iter()
            .map(|&partition| self.partitions[partition].lock())
            .collect();

        let first = outcomes.len();
        let mut batch = self.journal.batch();
        let mut steps = Vec::with_capacity(commits.len());
        // A record may come twice; the second commit must see what the first leaves.
        let mut pending: HashMap<Digest, (Found, Option<Record>)> =
            HashMap::with_capacity(commits.len());
        let watched = observer.is_watching();
        let mut changes = Vec::new();
        for commit in commits {
            let Commit {
                digest,
                expected,
                change,
            } = commit;
            let key = codec::key(&digest);
            let found = match pending.get(&digest) {
                Some(found) => Ok(found.clone()),
                None => self.find(&key, watched),
            };
            let outcome = found.and_then(|(before, old)| {
                check(&digest, expected, &before)?;
                let new = kept(&change, watched);
                let (write, after, committed) = self.plan(&before, change);
                match write {
                    Write::Nothing => {}
                    Write::Put(value) => batch.insert(&self.records, key, value),
                    Write::Remove => batch.remove(&self.records, key),
                }
                pending.insert(digest, (after, new.clone()));
                if watched {
                    changes.push((digest, old, new));
                }
                steps.push((usize::from(digest.partition()), Step { before, after }));
                Ok(committed)
            });
            outcomes.push(outcome);
        }
        if let Err(e) = batch.commit() {
            let failed = e.to_string();
            for outcome in outcomes[first..].iter_mut().filter(|o| o.is_ok()) {
                *outcome = Err(StoreError::Engine(failed.clone()));
            }
            return;
        }
        for (partition, step) in &steps {
            if let Ok(at) = wanted.binary_search(partition) {
                self.account(&mut locked[at], *partition, step);
            }
        }
        for (digest, old, new) in &changes {
            tell(observer, digest, old.as_ref(), new.as_ref());
        }
    }

    /// What is at a key; the whole record only where it is wanted and can be read.
    fn find(&self, key: &[u8], whole: bool) -> Result<(Found, Option<Record>), StoreError> {
        let Some(value) = self.records.get(key)? else {
            return Ok((Found::Nothing, None));
        };
        let Ok(head) = codec::head(&value) else {
            return Ok((Found::Damaged, None));
        };
        let record = whole.then(|| codec::versioned(&value).ok().map(|v| v.record));
        Ok((Found::Record(head), record.flatten()))
    }

    /// What `change` does where `before` is.
    fn plan(&self, before: &Found, change: Change) -> (Write, Found, Committed) {
        let (write, after, version) = match (change, before) {
            (Change::Put(record), _) => {
                let version = self.clock.fetch_add(1, Relaxed) + 1;
                let head = Head {
                    version,
                    meta: record.meta,
                    body_len: record.body.as_bytes().len(),
                };
                let value = codec::value(version, &record);
                (Write::Put(value), Found::Record(head), version)
            }
            (Change::Remove, Found::Nothing) => (Write::Nothing, Found::Nothing, 0),
            (Change::Remove, Found::Damaged | Found::Record(_)) => {
                (Write::Remove, Found::Nothing, 0)
            }
        };
        let committed = Committed {
            version: Version(version),
            existed: before.head().is_some(),
        };
        (write, after, committed)
    }

    /// Brings the counts up to date; `sets` is the partition's, under its lock.
    fn account(&self, sets: &mut SetCounts, partition: usize, step: &Step) {
        let (mut records, mut bytes) = (0, 0);
        if let Some(head) = step.after.head() {
            records += 1;
            bytes += head.body_len as i64;
            sets.add(head.meta.set);
        }
        if let Some(head) = step.before.head() {
            records -= 1;
            bytes -= head.body_len as i64;
            sets.sub(head.meta.set);
        }
        self.sizes.of(partition).change(records, bytes);
    }
}

/// The record that a change leaves, to be told of where somebody watches.
fn kept(change: &Change, watched: bool) -> Option<Record> {
    match change {
        Change::Put(record) if watched => Some(record.clone()),
        _ => None,
    }
}

fn check(digest: &Digest, expected: Expected, found: &Found) -> Result<(), StoreError> {
    match (expected, found) {
        // Writing over a damaged record heals it, and so does removing it.
        (Expected::Any, _) | (Expected::Absent, Found::Nothing) => Ok(()),
        (Expected::Version(Version(v)), Found::Record(head)) if head.version == v => Ok(()),
        (_, Found::Damaged) => Err(StoreError::Damaged {
            digest: *digest,
            what: "its value is shorter than a record's metadata",
        }),
        _ => Err(StoreError::Conflict),
    }
}
