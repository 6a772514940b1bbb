//! Packed lists.

use smallvec::SmallVec;

use super::EditError;
use super::parts::Parts;
use super::position::position;
use crate::model::msgpack::{DecodeError, Element, Reader};

/// How many elements the list has.
///
/// # Errors
/// [`DecodeError`] when the bytes are no list.
#[inline]
pub fn len(list: &[u8]) -> Result<usize, DecodeError> {
    Reader::new(list).list()
}

/// The element at `index`; a negative one counts from the end.
///
/// # Errors
/// [`DecodeError`] when the list is malformed up to there.
#[inline]
pub fn at(list: &[u8], index: i64) -> Result<Option<Element<'_>>, DecodeError> {
    let mut reader = Reader::new(list);
    let Some(at) = position(index, reader.list()?) else {
        return Ok(None);
    };
    for _ in 0..at {
        reader.skip()?;
    }
    reader.element().map(Some)
}

/// The element of `rank`, 0 for the lowest; a negative one counts from the highest.
///
/// # Errors
/// [`DecodeError`] when the list is malformed.
pub fn ranked(list: &[u8], rank: i64) -> Result<Option<Element<'_>>, DecodeError> {
    let mut reader = Reader::new(list);
    let n = reader.list()?;
    let Some(at) = position(rank, n) else {
        return Ok(None);
    };
    let mut elements = (0..n)
        .map(|_| reader.element())
        .collect::<Result<SmallVec<[_; 16]>, _>>()?;
    let (_, element, _) = elements.select_nth_unstable_by(at, Element::compare);
    Ok(Some(*element))
}

/// Appends the list with `element` before the one at `at`, or at the end.
///
/// # Errors
/// [`EditError`], and then `out` is as it was.
pub fn insert(
    list: &[u8],
    at: usize,
    element: &Element<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let parts = unordered(list)?;
    if at > parts.n {
        return Err(EditError::NoPlace(at));
    }
    parts.splice(at..at, 1, |out| element.pack(out), out)?;
    Ok(())
}

/// Appends the list with `element` in place of the one at `at`.
///
/// # Errors
/// [`EditError`], and then `out` is as it was.
pub fn set(
    list: &[u8],
    at: usize,
    element: &Element<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let parts = unordered(list)?;
    if at >= parts.n {
        return Err(EditError::NoPlace(at));
    }
    parts.splice(at..at + 1, 1, |out| element.pack(out), out)?;
    Ok(())
}

/// Appends the list without the element at `at`.
///
/// # Errors
/// [`EditError::Malformed`] and [`EditError::NoPlace`], and then `out` is as it was.
pub fn remove(list: &[u8], at: usize, out: &mut Vec<u8>) -> Result<(), EditError> {
    let parts = Parts::of_list(list)?;
    if at >= parts.n {
        return Err(EditError::NoPlace(at));
    }
    parts.splice(at..at + 1, 0, |_| {}, out)?;
    Ok(())
}

fn unordered(list: &[u8]) -> Result<Parts<'_>, EditError> {
    let parts = Parts::of_list(list)?;
    if parts.is_ordered() {
        return Err(EditError::Ordered);
    }
    Ok(parts)
}
