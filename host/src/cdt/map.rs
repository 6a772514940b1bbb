//! Packed maps. Their index is that of the keys in order, whether they are stored so or not.

use smallvec::SmallVec;

use super::EditError;
use super::parts::Parts;
use super::position::position;
use crate::model::msgpack::{DecodeError, Element, Reader, pack_list_len};

/// How many entries the map has.
///
/// # Errors
/// [`DecodeError`] when the bytes are no map.
#[inline]
pub fn len(map: &[u8]) -> Result<usize, DecodeError> {
    Reader::new(map).map()
}

/// The value under `key`.
///
/// # Errors
/// [`DecodeError`] when the map is malformed up to there.
#[inline]
pub fn get<'a>(map: &'a [u8], key: &Element<'_>) -> Result<Option<Element<'a>>, DecodeError> {
    let mut reader = Reader::new(map);
    for _ in 0..reader.map()? {
        if reader.next_is(key)? {
            return reader.element().map(Some);
        }
        reader.skip()?;
    }
    Ok(None)
}

/// The value at `index` in the order of the keys; a negative one counts from the end.
///
/// # Errors
/// [`DecodeError`] when the map is malformed.
#[inline]
pub fn at(map: &[u8], index: i64) -> Result<Option<Element<'_>>, DecodeError> {
    let parts = Parts::of_map(map)?;
    let Some(at) = position(index, parts.n) else {
        return Ok(None);
    };
    if parts.is_ordered() {
        let mut reader = parts.body;
        for _ in 0..2 * at + 1 {
            reader.skip()?;
        }
        return reader.element().map(Some);
    }
    let mut entries = entries(parts, |reader| Ok((reader.element()?, reader.element()?)))?;
    let (_, (_, value), _) = entries.select_nth_unstable_by(at, |a, b| a.0.compare(&b.0));
    Ok(Some(*value))
}

/// The value of `rank`, 0 for the lowest, of equal ones in the order of their keys; a negative
/// rank counts from the highest.
///
/// # Errors
/// [`DecodeError`] when the map is malformed.
pub fn ranked(map: &[u8], rank: i64) -> Result<Option<Element<'_>>, DecodeError> {
    let parts = Parts::of_map(map)?;
    let Some(at) = position(rank, parts.n) else {
        return Ok(None);
    };
    let mut entries = entries(parts, |reader| Ok((reader.element()?, reader.element()?)))?;
    let (_, (_, value), _) = entries
        .select_nth_unstable_by(at, |a, b| a.1.compare(&b.1).then_with(|| a.0.compare(&b.0)));
    Ok(Some(*value))
}

/// The keys in their order, as a packed list.
///
/// # Errors
/// [`DecodeError`] when the map is malformed.
pub fn keys(map: &[u8]) -> Result<Vec<u8>, DecodeError> {
    part(map, |reader| {
        let key = reader.clone().element()?;
        let packed = reader.skip()?;
        reader.skip()?;
        Ok((key, packed))
    })
}

/// The values in the order of their keys, as a packed list.
///
/// # Errors
/// [`DecodeError`] when the map is malformed.
pub fn values(map: &[u8]) -> Result<Vec<u8>, DecodeError> {
    part(map, |reader| Ok((reader.element()?, reader.skip()?)))
}

/// Something read of each entry.
type Entries<T> = SmallVec<[T; 8]>;

fn entries<'a, T>(
    parts: Parts<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Entries<T>, DecodeError> {
    let mut reader = parts.body;
    (0..parts.n).map(|_| read(&mut reader)).collect()
}

/// A packed list of what `read` gives for each entry, beside the key to sort by.
fn part<'a>(
    map: &'a [u8],
    read: impl Fn(&mut Reader<'a>) -> Result<(Element<'a>, &'a [u8]), DecodeError>,
) -> Result<Vec<u8>, DecodeError> {
    let parts = Parts::of_map(map)?;
    let mut entries = entries(parts, read)?;
    entries.sort_by(|a, b| a.0.compare(&b.0));
    let mut out = Vec::with_capacity(map.len());
    pack_list_len(entries.len() as u32, &mut out);
    for (_, packed) in &entries {
        out.extend_from_slice(packed);
    }
    Ok(out)
}

/// Where the entry of a key is, or would be.
enum Place {
    At(usize),
    Before(usize),
}

fn find(parts: &Parts<'_>, key: &Element<'_>) -> Result<Place, DecodeError> {
    let ordered = parts.is_ordered();
    let mut reader = parts.body.clone();
    let mut before = parts.n;
    for i in 0..parts.n {
        let order = reader.element()?.compare(key);
        if order.is_eq() {
            return Ok(Place::At(i));
        }
        if ordered && order.is_gt() {
            before = before.min(i);
        }
        reader.skip()?;
    }
    Ok(Place::Before(before))
}

/// Appends the map with `value` under `key`. A key that is new goes where it belongs if the
/// map is ordered, else to the end.
///
/// # Errors
/// [`EditError::Malformed`], and then `out` is as it was.
pub fn put(
    map: &[u8],
    key: &Element<'_>,
    value: &Element<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let parts = Parts::of_map(map)?;
    let at = match find(&parts, key)? {
        Place::At(i) => i..i + 1,
        Place::Before(i) => i..i,
    };
    let entry = |out: &mut Vec<u8>| {
        key.pack(out);
        value.pack(out);
    };
    parts.splice(at, 1, entry, out)?;
    Ok(())
}

/// Appends the map without the entry under `key`.
///
/// # Errors
/// [`EditError::Malformed`], and then `out` is as it was.
pub fn remove(map: &[u8], key: &Element<'_>, out: &mut Vec<u8>) -> Result<(), EditError> {
    let parts = Parts::of_map(map)?;
    match find(&parts, key)? {
        Place::At(i) => parts.splice(i..i + 1, 0, |_| {}, out)?,
        Place::Before(_) => out.extend_from_slice(map),
    }
    Ok(())
}
