//! What a packed collection is made of.

use std::ops::Range;

use crate::model::msgpack::{DecodeError, Item, Reader, pack_list_len, pack_map_len};

/// A packed collection in its parts: a header, flags and a body.
pub(super) struct Parts<'a> {
    packed: &'a [u8],
    /// Elements of a list, pairs of a map.
    pub(super) n: usize,
    /// Where those begin.
    pub(super) body: Reader<'a>,
    is_map: bool,
}

impl<'a> Parts<'a> {
    #[inline]
    pub(super) fn of_list(packed: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(packed);
        Ok(Self {
            packed,
            n: body.list()?,
            body,
            is_map: false,
        })
    }

    #[inline]
    pub(super) fn of_map(packed: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(packed);
        Ok(Self {
            packed,
            n: body.map()?,
            body,
            is_map: true,
        })
    }

    /// Behind the header: flags, if there are any, and the body.
    #[inline]
    fn behind_header(&self) -> Reader<'a> {
        let mut reader = Reader::new(self.packed);
        // It was read before.
        let _ = reader.item();
        reader
    }

    fn flags(&self) -> &'a [u8] {
        let flags = self.behind_header();
        let len = self.body.position() - flags.position();
        &flags.rest()[..len]
    }

    /// Whether the collection says that it is in order: a list by its elements, a map by its
    /// keys.
    #[inline]
    pub(super) fn is_ordered(&self) -> bool {
        let first = self.behind_header().item();
        matches!(first, Ok(Item::Ext(flags, _)) if flags & 1 == 1)
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
        let flags = self.flags();
        let flagged = usize::from(!flags.is_empty());
        let n = (self.n - at.len() + n + flagged) as u32;
        if self.is_map {
            pack_map_len(n, out);
        } else {
            pack_list_len(n, out);
        }
        out.extend_from_slice(flags);
        out.extend_from_slice(&self.body.rest()[..kept]);
        with(out);
        out.extend_from_slice(reader.rest());
        Ok(())
    }
}
