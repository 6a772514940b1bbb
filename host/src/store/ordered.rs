//! A map ordered by digest, laid out for walks: long leaves, digests apart from what they name.
//!
//! A walk reads memory from front to back, which the processor foresees; it waits once a leaf, where
//! a tree of small nodes makes it wait every few records. What a change moves within a leaf costs less
//! than that.

use crate::model::Digest;

/// The most entries of a leaf.
const LEAF: usize = 256;

/// How many entries a leaf grows by, so that little of it lies idle.
const GROWTH: usize = 32;

/// A map from digests to values.
#[derive(Debug)]
pub(super) struct Ordered<V> {
    /// In order, none of them empty.
    leaves: Vec<Leaf<V>>,
}

#[derive(Debug)]
struct Leaf<V> {
    /// Ascending.
    digests: Vec<Digest>,
    /// Those of the digests, in their order.
    values: Vec<V>,
}

/// Where an entry is, or would be; good until the next change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    leaf: usize,
    at: usize,
}

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self { leaves: Vec::new() }
    }
}

/// The first bytes of a digest, which decide its order nearly always.
#[inline]
fn head(digest: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[inline]
fn is_before(a: &Digest, b: &Digest) -> bool {
    let (x, y) = (head(a), head(b));
    x < y || x == y && a < b
}

impl<V> Ordered<V> {
    /// Where the digest's entry is; where it would be put, if there is none.
    #[inline]
    pub(super) fn find(&self, digest: &Digest) -> Result<Place, Place> {
        // The last leaf that does not begin behind it; the first leaf takes what is before all.
        let begins_before = |leaf: &Leaf<V>| !is_before(digest, &leaf.digests[0]);
        let leaf = self.leaves.partition_point(begins_before).saturating_sub(1);
        let Some(found) = self.leaves.get(leaf) else {
            return Err(Place { leaf, at: 0 });
        };
        let at = found.digests.partition_point(|d| is_before(d, digest));
        let place = Place { leaf, at };
        match found.digests.get(at) {
            Some(there) if there == digest => Ok(place),
            _ => Err(place),
        }
    }

    /// The value of a digest.
    #[inline]
    pub(super) fn get(&self, digest: &Digest) -> Option<&V> {
        let Place { leaf, at } = self.find(digest).ok()?;
        Some(&self.leaves[leaf].values[at])
    }

    /// The value at a place that was found.
    pub(super) fn value_mut(&mut self, Place { leaf, at }: Place) -> &mut V {
        &mut self.leaves[leaf].values[at]
    }

    /// Puts an entry where it was not found.
    pub(super) fn insert(&mut self, place: Place, digest: Digest, value: V) {
        let Place { mut leaf, mut at } = place;
        if self.leaves.is_empty() {
            self.leaves.push(Leaf::new());
        }
        if self.leaves[leaf].digests.len() == LEAF {
            let right = self.leaves[leaf].split();
            self.leaves.insert(leaf + 1, right);
            if at > LEAF / 2 {
                (leaf, at) = (leaf + 1, at - LEAF / 2);
            }
        }
        let leaf = &mut self.leaves[leaf];
        if leaf.digests.len() == leaf.digests.capacity() {
            leaf.digests.reserve_exact(GROWTH);
            leaf.values.reserve_exact(GROWTH);
        }
        leaf.digests.insert(at, digest);
        leaf.values.insert(at, value);
    }

    /// Takes out the entry at a place that was found.
    pub(super) fn remove(&mut self, Place { leaf, at }: Place) -> V {
        let from = &mut self.leaves[leaf];
        from.digests.remove(at);
        let value = from.values.remove(at);
        let left = from.digests.len();
        if left == 0 {
            self.leaves.remove(leaf);
        } else if let Some(next) = self.leaves.get(leaf + 1)
            && left + next.digests.len() <= LEAF / 2
        {
            let next = self.leaves.remove(leaf + 1);
            self.leaves[leaf].append(next);
        } else if self.leaves[leaf].digests.capacity() >= left + 4 * GROWTH {
            self.leaves[leaf].shrink();
        }
        value
    }

    /// The entries behind a digest, or all of them, as far as the leaf goes that has the first: none
    /// when there are no more at all.
    #[inline]
    pub(super) fn after(&self, digest: Option<&Digest>) -> (&[Digest], &[V]) {
        let Place { leaf, at } = match digest.map(|digest| self.find(digest)) {
            None => Place { leaf: 0, at: 0 },
            Some(Ok(place)) => Place {
                at: place.at + 1,
                ..place
            },
            Some(Err(place)) => place,
        };
        let rest = |leaf: usize, at: usize| {
            let found = self.leaves.get(leaf)?;
            Some((found.digests.get(at..)?, found.values.get(at..)?))
        };
        let here = rest(leaf, at).filter(|(digests, _)| !digests.is_empty());
        here.or_else(|| rest(leaf + 1, 0)).unwrap_or_default()
    }
}

impl<V> Leaf<V> {
    fn new() -> Self {
        Self {
            digests: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Gives its second half away.
    fn split(&mut self) -> Self {
        let right = Self {
            digests: self.digests.split_off(LEAF / 2),
            values: self.values.split_off(LEAF / 2),
        };
        self.shrink();
        right
    }

    fn append(&mut self, next: Self) {
        self.digests.extend(next.digests);
        self.values.extend(next.values);
    }

    /// Gives back memory, all but what the next entries take.
    fn shrink(&mut self) {
        self.digests.shrink_to(self.digests.len() + GROWTH);
        self.values.shrink_to(self.values.len() + GROWTH);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Digests that share their heads often, and lie densely.
    fn digest(n: u16) -> Digest {
        let mut bytes = [0; 20];
        bytes[0] = (n >> 8) as u8;
        bytes[19] = n as u8;
        Digest(bytes)
    }

    fn walk(map: &Ordered<u32>) -> Vec<(Digest, u32)> {
        let mut all = Vec::new();
        loop {
            let last = all.last().map(|(digest, _)| *digest);
            let (digests, values) = map.after(last.as_ref());
            if digests.is_empty() {
                return all;
            }
            all.extend(digests.iter().copied().zip(values.iter().copied()));
        }
    }

    proptest! {
        #[test]
        fn it_is_what_a_tree_is(
            // Ranges of insertions and removals, so that leaves fill, split, empty and join.
            steps in prop::collection::vec((any::<bool>(), 0u16..4000, 1u16..900, 1u16..7), 1..12),
        ) {
            let mut map = Ordered::default();
            let mut tree = BTreeMap::new();
            let mut count = 0;
            for (puts, from, n, stride) in steps {
                for i in 0..n {
                    let digest = digest(from.wrapping_add(i.wrapping_mul(stride)));
                    count += 1;
                    match (map.find(&digest), puts) {
                        (Ok(place), true) => *map.value_mut(place) = count,
                        (Err(place), true) => map.insert(place, digest, count),
                        (Ok(place), false) => prop_assert_eq!(Some(map.remove(place)), tree.get(&digest).copied()),
                        (Err(_), false) => prop_assert!(!tree.contains_key(&digest)),
                    }
                    match puts {
                        true => tree.insert(digest, count),
                        false => tree.remove(&digest),
                    };
                }
                let all: Vec<_> = tree.iter().map(|(d, v)| (*d, *v)).collect();
                prop_assert_eq!(walk(&map), all);
                for n in (0..6000).step_by(7) {
                    let digest = digest(n);
                    prop_assert_eq!(map.get(&digest), tree.get(&digest));
                    let next = tree.range((std::ops::Bound::Excluded(digest), std::ops::Bound::Unbounded)).next();
                    prop_assert_eq!(map.after(Some(&digest)).0.first(), next.map(|(d, _)| d));
                }
                prop_assert!(map.leaves.iter().all(|leaf| !leaf.digests.is_empty() && leaf.digests.len() <= LEAF));
            }
        }
    }
}
