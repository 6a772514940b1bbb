//! Reading a packed list forwards, over many calls.

use crate::model::msgpack::{DecodeError, Element, Reader};

/// A place in a packed list, kept so that the next element is read without passing those
/// before it. It goes with the bytes of one list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// The element last read, from 1; 0 for none.
    pub at: usize,
    /// Where it starts.
    start: usize,
    /// Where the one after it starts.
    next: usize,
}

impl Cursor {
    /// Before the first element, which starts at the offset `body`.
    pub fn new(body: usize) -> Self {
        Self {
            at: 0,
            start: body,
            next: body,
        }
    }

    /// Moves on to the next element if it is an integer, the common one.
    #[inline(always)]
    pub fn next_int(&mut self, list: &[u8]) -> Option<i64> {
        let mut reader = Reader::new(list.get(self.next..)?);
        let int = reader.next_int()?;
        self.pass(&reader);
        Some(int)
    }

    /// Moves on to the next element, which must be there.
    ///
    /// # Errors
    /// [`DecodeError`] when it is malformed.
    pub fn next<'a>(&mut self, list: &'a [u8]) -> Result<Element<'a>, DecodeError> {
        let mut reader = Reader::new(list.get(self.next..).unwrap_or_default());
        let element = reader.element()?;
        self.pass(&reader);
        Ok(element)
    }

    #[inline(always)]
    fn pass(&mut self, reader: &Reader<'_>) {
        self.at += 1;
        self.start = self.next;
        self.next += reader.position();
    }

    /// The element last read, or moves on to a later one, `i` from 1, which must be there;
    /// `None` for one before.
    ///
    /// # Errors
    /// [`DecodeError`] when the list is malformed up to there.
    pub fn seek<'a>(
        &mut self,
        list: &'a [u8],
        i: usize,
    ) -> Result<Option<Element<'a>>, DecodeError> {
        if i < self.at || i == 0 {
            return Ok(None);
        }
        if i == self.at {
            let mut reader = Reader::new(list.get(self.start..).unwrap_or_default());
            return reader.element().map(Some);
        }
        let mut reader = Reader::new(list.get(self.next..).unwrap_or_default());
        for _ in self.at + 1..i {
            reader.skip()?;
        }
        self.next += reader.position();
        self.at = i - 1;
        self.next(list).map(Some)
    }
}
