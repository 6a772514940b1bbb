//! The contract of a record store, made so that a remote cluster can stand behind it: every
//! call takes all that it is about at once, and may be waited for.

use std::sync::Arc;

use arc_swap::Guard;

use futures::future::{BoxFuture, Either, Ready, ready};

use super::{Observer, Sets, StoreError};
use crate::model::{Digest, PartitionId, Record};

/// Tells one state of a record from another; opaque to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u64);

/// A record and the version it was read at.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The record.
    pub record: Record,
    /// Its version.
    pub version: Version,
}

/// What a commit expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// No record.
    Absent,
    /// The record at this version.
    Version(Version),
}

/// What a commit does.
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes the whole record. The caller sets every field of its metadata.
    Put(Record),
    /// Removes the record; nothing happens where there is none.
    Remove,
}

/// One commit of a batch; see [`RecordStore::commit`].
#[derive(Clone, Debug)]
pub struct Commit {
    /// The record.
    pub digest: Digest,
    /// What it must be.
    pub expected: Expected,
    /// What happens to it.
    pub change: Change,
}

/// A commit that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The record's version now (meaningless after a removal).
    pub version: Version,
    /// Whether there was a record before.
    pub existed: bool,
}

/// Where a partition scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The last digest that was seen; `None` at the start.
    pub after: Option<Digest>,
}

/// One record of a scan.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// Its digest.
    pub digest: Digest,
    /// Its state.
    pub versioned: Versioned,
}

/// How much one [`RecordStore::scan`] call may return.
#[derive(Clone, Copy, Debug)]
pub struct ScanPage {
    /// Only records of this set id; `None` for all of the namespace.
    pub set: Option<u16>,
    /// At most this many records.
    pub records: usize,
    /// Stop after the body bytes returned pass this.
    pub bytes: usize,
}

/// What a store answers: at once, or after a wait. A store in memory costs no task switch and no
/// allocation; one with a disk or a network behind it takes the time it needs.
pub type Answer<'a, T> = Either<Ready<T>, BoxFuture<'a, T>>;

/// The answer that is there already.
pub fn at_once<'a, T>(answer: T) -> Answer<'a, T> {
    Either::Left(ready(answer))
}

/// What a read found.
pub type Lookup = Result<Option<Versioned>, StoreError>;

/// How a commit ended.
pub type Outcome = Result<Committed, StoreError>;

/// Records of one namespace.
///
/// Every method may be called from any thread at once. Expired records are returned as
/// they are: the caller decides by `void_time`, so that it decides once per request. No method
/// blocks its thread for longer than a read from the engine's cache takes; what takes longer is
/// waited for.
pub trait RecordStore: Send + Sync + 'static {
    /// Reads the records of `digests` and appends what each found to `out`, in their order.
    fn read<'a>(&'a self, digests: &'a [Digest], out: &'a mut Vec<Lookup>) -> Answer<'a, ()>;

    /// Takes the commits out of `commits` and applies them, in order, each by itself: one that
    /// is refused does not touch the others. Appends their outcomes to `out`, in the same order.
    /// The observer is told of each that takes place.
    ///
    /// An outcome is `Ok` only once the change is as durable as the store is. A store with a
    /// disk writes the commits of one call together.
    fn commit<'a>(
        &'a self,
        commits: &'a mut Vec<Commit>,
        out: &'a mut Vec<Outcome>,
        observer: &'a dyn Observer,
    ) -> Answer<'a, ()>;

    /// Appends the next records of a partition, in digest order, to `out` and moves the
    /// cursor past them. Returns `false` when the partition has no more; with a set filter it
    /// may return `true` with nothing appended, when many records of other sets lie between.
    ///
    /// Each record that exists for the whole scan is seen once.
    ///
    /// # Errors
    /// [`StoreError::Engine`]; damaged records are logged and passed over.
    fn scan<'a>(
        &'a self,
        partition: PartitionId,
        cursor: &'a mut Cursor,
        page: &'a ScanPage,
        out: &'a mut Vec<Scanned>,
    ) -> Answer<'a, Result<bool, StoreError>>;

    /// How many records there are, expired ones included, and their body bytes.
    fn count(&self) -> (u64, u64);

    /// The sets as of now.
    fn sets(&self) -> Guard<Arc<Sets>>;

    /// The id of a set, given out on first use and kept for good; the null set ("") is 0.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when a new id cannot be stored or none is left.
    fn set_id<'a>(&'a self, name: &'a str) -> Answer<'a, Result<u16, StoreError>>;

    /// How many records each set has, expired ones included: (id, count).
    fn set_counts(&self) -> Vec<(u16, u64)>;

    /// Makes everything committed so far durable as the engine is configured to.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    fn flush(&self) -> Answer<'_, Result<(), StoreError>>;
}
