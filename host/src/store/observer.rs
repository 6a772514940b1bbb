//! Who follows the changes of a store's records.

use crate::model::{Digest, Record};

/// Is told of every change of a namespace's records.
///
/// What an index holds follows from what it is told, so a store keeps an order: it asks and tells
/// under the lock that orders a partition's commits, once the change can be read or before anybody
/// can read it, and a scan of the partition that begins later sees what was committed before. So
/// changes of one record come in their order, and whoever begins to watch and then scans misses
/// none.
///
/// Both methods are called with that lock held: they must be quick, and not call the store.
pub trait Observer: Send + Sync {
    /// Whether there is anything to be told; if not, a commit need not keep the record it replaces.
    fn is_watching(&self) -> bool;

    /// A record changed: what it was, `None` if there was none (or none that can be read), and what
    /// it is, `None` once it is removed.
    fn changed(&self, digest: &Digest, before: Option<&Record>, after: Option<&Record>);
}

/// Tells of a change, unless nothing was there and nothing is.
pub(super) fn tell(
    observer: &dyn Observer,
    digest: &Digest,
    before: Option<&Record>,
    after: Option<&Record>,
) {
    if before.is_some() || after.is_some() {
        observer.changed(digest, before, after);
    }
}

/// Nobody.
impl Observer for () {
    fn is_watching(&self) -> bool {
        false
    }

    fn changed(&self, _: &Digest, _: Option<&Record>, _: Option<&Record>) {}
}
