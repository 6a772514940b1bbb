//! Lists put together without a detour over a collection.

use petrel_packed::pack_list_len;

use crate::{ToValue, kind};

/// A list being built, packed as it goes; its elements may be of different types.
///
/// ```
/// use petrel_udf::{List, ListBuilder, Record};
///
/// let mut best = ListBuilder::new();
/// best.push("ann").push(40).push([1, 2]);
/// let record = Record::testing().bin("best", &best).build();
/// assert_eq!(record.list("best").unwrap().get(1).unwrap(), Some(40));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ListBuilder {
    packed: Vec<u8>,
    len: u32,
}

impl ListBuilder {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element at its end.
    #[inline]
    pub fn push(&mut self, item: impl ToValue) -> &mut Self {
        item.write_packed(&mut self.packed);
        self.len += 1;
        self
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl ToValue for ListBuilder {
    fn kind(&self) -> u8 {
        kind::LIST
    }

    fn write_particle(&self, out: &mut Vec<u8>) {
        self.write_packed(out);
    }

    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_list_len(self.len, out);
        out.extend_from_slice(&self.packed);
    }
}
