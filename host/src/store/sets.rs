//! Set names and the small ids that records carry for them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::StoreError;

/// The sets of one namespace; id 0 is the null set. Ids are given out in order and kept.
#[derive(Debug)]
pub(super) struct SetTable {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    ids: HashMap<Arc<str>, u16>,
    /// `names[id]`; a gap (an id that was lost on disk) is `None`.
    names: Vec<Option<Arc<str>>>,
}

impl SetTable {
    pub(super) fn new() -> Self {
        let null: Arc<str> = Arc::from("");
        Self {
            inner: RwLock::new(Inner {
                ids: HashMap::from([(null.clone(), 0)]),
                names: vec![Some(null)],
            }),
        }
    }

    /// Puts a set back under the id it had.
    pub(super) fn restore(&self, id: u16, name: &str) {
        let mut inner = self.inner.write();
        let slot = usize::from(id);
        if inner.names.len() <= slot {
            inner.names.resize(slot + 1, None);
        }
        let name: Arc<str> = Arc::from(name);
        inner.names[slot] = Some(name.clone());
        inner.ids.insert(name, id);
    }

    pub(super) fn find(&self, name: &str) -> Option<u16> {
        if name.is_empty() {
            return Some(0);
        }
        self.inner.read().ids.get(name).copied()
    }

    pub(super) fn name(&self, id: u16) -> Option<Arc<str>> {
        self.inner.read().names.get(usize::from(id))?.clone()
    }

    /// The id of `name`, a new one if it has none; `keep` stores a new id before anybody sees it.
    pub(super) fn intern(
        &self,
        name: &str,
        keep: impl FnOnce(u16) -> Result<(), StoreError>,
    ) -> Result<u16, StoreError> {
        if let Some(id) = self.find(name) {
            return Ok(id);
        }
        let mut inner = self.inner.write();
        if let Some(&id) = inner.ids.get(name) {
            return Ok(id);
        }
        let id = u16::try_from(inner.names.len()).map_err(|_| {
            StoreError::Engine(format!(
                "no set id is left for set {name:?}: a namespace has at most 65535 sets"
            ))
        })?;
        keep(id)?;
        let name: Arc<str> = Arc::from(name);
        inner.names.push(Some(name.clone()));
        inner.ids.insert(name, id);
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
