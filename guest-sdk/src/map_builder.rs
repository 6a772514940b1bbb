//! Maps put together without a detour over a collection.

use std::cmp::Ordering;

use crate::msgpack::{Reader, pack_map_head};
use crate::{ToValue, ValueRef, kind};

/// A map being built, packed as it goes.
///
/// ```
/// use petrel_udf::{MapBuilder, Record};
///
/// let mut stats = MapBuilder::new();
/// stats.insert("count", 3).insert("mean", 1.5);
/// let mut record = Record::testing().build();
/// record.set("stats", &stats).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MapBuilder {
    packed: Vec<u8>,
    len: u32,
    last: usize,
    unsorted: bool,
}

impl MapBuilder {
    /// An empty map.
    pub fn new() -> Self {
        Self {
            packed: Vec::with_capacity(64),
            ..Self::default()
        }
    }

    /// Adds an entry; of several with one key the last stays. Keys added in order
    /// (integers before strings, then by value) save the sorting.
    #[inline]
    pub fn insert(&mut self, key: impl ToValue, value: impl ToValue) -> &mut Self {
        let start = self.packed.len();
        key.write_packed(&mut self.packed);
        if !self.unsorted && start > 0 {
            self.unsorted = self.key_at(self.last).compare(&self.key_at(start)) != Ordering::Less;
        }
        self.last = start;
        value.write_packed(&mut self.packed);
        self.len += 1;
        self
    }

    #[inline]
    fn key_at(&self, at: usize) -> ValueRef<'_> {
        let bytes = self.packed.get(at..).unwrap_or_default();
        Reader::new(bytes).value().unwrap_or(ValueRef::Nil)
    }

    #[cold]
    fn write_sorted(&self, out: &mut Vec<u8>) {
        let mut reader = Reader::new(&self.packed);
        let mut entries: Vec<(ValueRef<'_>, &[u8])> = Vec::with_capacity(self.len as usize);
        while !reader.rest().is_empty() {
            let before = reader.rest();
            // What was packed here reads back.
            let (Ok(key), Ok(())) = (reader.value(), reader.skip()) else {
                break;
            };
            entries.push((key, &before[..before.len() - reader.rest().len()]));
        }
        entries.sort_by(|a, b| a.0.compare(&b.0));
        entries.reverse();
        entries.dedup_by(|a, b| a.0.compare(&b.0).is_eq());
        entries.reverse();
        pack_map_head(entries.len() as u32, out);
        for (_, packed) in entries {
            out.extend_from_slice(packed);
        }
    }
}

impl ToValue for MapBuilder {
    fn kind(&self) -> u8 {
        kind::MAP
    }

    fn write_particle(&self, out: &mut Vec<u8>) {
        self.write_packed(out);
    }

    fn write_packed(&self, out: &mut Vec<u8>) {
        if self.unsorted {
            return self.write_sorted(out);
        }
        pack_map_head(self.len, out);
        out.extend_from_slice(&self.packed);
    }
}
