//! Maps put together without a detour over a collection.

use petrel_packed::{Element, Reader, pack_map_head, pack_sorted_map};

use crate::{ToValue, kind};

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
            self.unsorted = self.key_at(self.last).compare(&self.key_at(start)).is_ge();
        }
        self.last = start;
        value.write_packed(&mut self.packed);
        self.len += 1;
        self
    }

    #[inline]
    fn key_at(&self, at: usize) -> Element<'_> {
        let bytes = self.packed.get(at..).unwrap_or_default();
        Reader::new(bytes).element().unwrap_or(Element::Nil)
    }

    #[cold]
    fn write_sorted(&self, out: &mut Vec<u8>) {
        let mut reader = Reader::new(&self.packed);
        let mut entries = Vec::with_capacity(self.len as usize);
        // What was packed here reads back.
        while let (Ok(key), Ok(value)) = (reader.element(), reader.skip()) {
            entries.push((key, value));
        }
        pack_sorted_map(&mut entries, out);
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
