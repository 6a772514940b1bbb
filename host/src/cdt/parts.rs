//! What a packed collection is made of.

use std::ops::Range;

use crate::model::msgpack::{DecodeError, Item, Reader, pack_list_len, pack_map_len};

/// A packed collection in its parts: a header, which is not kept, flags and a body.
pub(super) struct Parts<'a> {
    /// Elements of a list, pairs of a map.
    pub(super) n: usize,
    /// Where those begin.
    pub(super) body: Reader<'a>,
    flags: &'a [u8],
    is_map: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn of_list(packed: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(packed);
        let n = body.list()?;
        Self::new(packed, n, body, false)
    }

    pub(super) fn of_map(packed: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(packed);
        let n = body.map()?;
        Self::new(packed, n, body, true)
    }

    fn new(
        packed: &'a [u8],
        n: usize,
        body: Reader<'a>,
        is_map: bool,
    ) -> Result<Self, DecodeError> {
        let mut flags = Reader::new(packed);
        flags.item()?;
        let len = body.position() - flags.position();
        Ok(Self {
            n,
            flags: &flags.rest()[..len],
            body,
            is_map,
        })
    }

    /// Whether the collection says that it is in order: a list by its elements, a map by its
    /// keys.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(Reader::new(self.flags).item(), Ok(Item::Ext(flags, _)) if flags & 1 == 1)
    }

    /// Appends the collection with the elements or pairs `at` replaced by the `n` that `with`
    /// appends. It keeps its flags.
    pub(super) fn splice(
        &self,
        at: Range<usize>,
        n: usize,
        with: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let each = if self.is_map { 2 } else { 1 };
        let mut reader = self.body.clone();
        for _ in 0..at.start * each {
            reader.skip()?;
        }
        let kept = reader.position() - self.body.position();
        for _ in 0..at.len() * each {
            reader.skip()?;
        }
        let flagged = usize::from(!self.flags.is_empty());
        let n = (self.n - at.len() + n + flagged) as u32;
        if self.is_map {
            pack_map_len(n, out);
        } else {
            pack_list_len(n, out);
        }
        out.extend_from_slice(self.flags);
        out.extend_from_slice(&self.body.rest()[..kept]);
        with(out);
        out.extend_from_slice(reader.rest());
        Ok(())
    }
}
