//! Set names and the small ids that records carry for them.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;

use super::StoreError;

/// The sets of a namespace at one moment, by id and by name; id 0 is the null set.
#[derive(Clone, Debug)]
pub struct Sets {
    /// `names[id]`; empty for the null set, and for an id whose name was lost on disk.
    names: Arc<Vec<Arc<str>>>,
    /// The ids of the other sets, in the order of their names.
    by_name: Vec<u16>,
}

impl Sets {
    fn new() -> Self {
        Self {
            names: Arc::new(vec![Arc::from("")]),
            by_name: Vec::new(),
        }
    }

    /// The names by id.
    pub fn names(&self) -> &Arc<Vec<Arc<str>>> {
        &self.names
    }

    /// The name of an id; `None` when no set has it.
    pub fn name(&self, id: u16) -> Option<&Arc<str>> {
        let name = self.names.get(usize::from(id))?;
        (id == 0 || !name.is_empty()).then_some(name)
    }

    /// The id of a set that has one; the null set's name is empty.
    pub fn find(&self, name: &[u8]) -> Option<u16> {
        if name.is_empty() {
            return Some(0);
        }
        let at = self.position(name).ok()?;
        self.by_name.get(at).copied()
    }

    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name
            .binary_search_by(|id| self.names[usize::from(*id)].as_bytes().cmp(name))
    }

    fn insert(&mut self, id: u16, name: &str) {
        if let Err(at) = self.position(name.as_bytes()) {
            let names = Arc::make_mut(&mut self.names);
            let slot = usize::from(id);
            if names.len() <= slot {
                names.resize(slot + 1, Arc::from(""));
            }
            names[slot] = Arc::from(name);
            self.by_name.insert(at, id);
        }
    }
}

/// The one owner of a namespace's sets. Ids are given out in order and kept.
#[derive(Debug)]
pub(super) struct SetTable {
    now: ArcSwap<Sets>,
    /// One new set at a time, so that none is lost.
    giving: Mutex<()>,
}

impl SetTable {
    pub(super) fn new() -> Self {
        Self {
            now: ArcSwap::from_pointee(Sets::new()),
            giving: Mutex::new(()),
        }
    }

    /// The sets as of now.
    pub(super) fn now(&self) -> Guard<Arc<Sets>> {
        self.now.load()
    }

    /// Puts a set back under the id it had.
    #[cfg(feature = "durable")]
    pub(super) fn restore(&self, id: u16, name: &str) {
        let _one = self.giving.lock();
        self.insert(id, name);
    }

    fn insert(&self, id: u16, name: &str) {
        let mut sets = Sets::clone(&self.now.load());
        sets.insert(id, name);
        self.now.store(Arc::new(sets));
    }

    /// The id of `name`, a new one if it has none; `keep` stores a new id before anybody sees it.
    pub(super) fn intern(
        &self,
        name: &str,
        keep: impl FnOnce(u16) -> Result<(), StoreError>,
    ) -> Result<u16, StoreError> {
        if let Some(id) = self.now.load().find(name.as_bytes()) {
            return Ok(id);
        }
        let _one = self.giving.lock();
        let sets = self.now.load();
        if let Some(id) = sets.find(name.as_bytes()) {
            return Ok(id);
        }
        let id = u16::try_from(sets.names.len()).map_err(|_| {
            StoreError::Engine(format!(
                "no set id is left for set {name:?}: a namespace has at most 65535 sets"
            ))
        })?;
        keep(id)?;
        self.insert(id, name);
        Ok(id)
    }
}

/// How many records of each set one partition holds.
///
/// A partition meets few sets, so a short list searched from the front beats a map.
#[derive(Debug, Default)]
pub(super) struct SetCounts(smallvec::SmallVec<[(u16, u32); 2]>);

impl SetCounts {
    pub(super) fn add(&mut self, set: u16) {
        match self.0.iter_mut().find(|(id, _)| *id == set) {
            Some((_, n)) => *n += 1,
            None => self.0.push((set, 1)),
        }
    }

    pub(super) fn sub(&mut self, set: u16) {
        if let Some(at) = self.0.iter().position(|(id, _)| *id == set) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.swap_remove(at);
            }
        }
    }

    /// Adds these counts to a list that is indexed by set id.
    pub(super) fn add_to(&self, totals: &mut Vec<u64>) {
        for &(id, n) in &self.0 {
            let slot = usize::from(id);
            if totals.len() <= slot {
                totals.resize(slot + 1, 0);
            }
            totals[slot] += u64::from(n);
        }
    }
}

/// The sets with records, from totals by set id.
pub(super) fn occupied(totals: Vec<u64>) -> Vec<(u16, u64)> {
    (0..=u16::MAX).zip(totals).filter(|&(_, n)| n > 0).collect()
}
