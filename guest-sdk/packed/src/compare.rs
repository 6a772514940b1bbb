//! The protocol's order of values.

use alloc::vec::{self, Vec};
use core::cmp::Ordering;

use crate::{DecodeError, Element, ParticleType, Reader};

impl<'a> Element<'a> {
    /// The protocol's order of values: by type (nil, boolean, integer, string, list, map,
    /// blob, float, GeoJSON), then by content. Lists compare element by element and then by
    /// length, maps by size and then entry by entry in the order of their keys.
    ///
    /// It is a total order on any bytes: what cannot be read comes first. It allocates only
    /// for a map inside a value whose entries are not in the order of their keys.
    ///
    /// ```
    /// use petrel_packed::{Element, ParticleType};
    ///
    /// let text = Element::Bytes(ParticleType::STRING, b"a");
    /// assert!(Element::Int(i64::MAX).compare(&text).is_lt());
    /// assert!(Element::List(&[0x92, 1, 2]).compare(&Element::List(&[0x91, 2])).is_lt());
    /// ```
    #[inline]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Bytes(ParticleType::STRING, a), Self::Bytes(ParticleType::STRING, b)) => {
                a.cmp(b)
            }
            _ => self.compare_any(other),
        }
    }

    fn compare_any(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bytes(a_kind, a), Self::Bytes(b_kind, b)) => rank_of(*a_kind)
                .cmp(&rank_of(*b_kind))
                .then_with(|| a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::List(a), Self::List(b)) => lists(a, b),
            (Self::Map(a), Self::Map(b)) => maps(a, b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nil => 1,
            Self::Bool(_) => 2,
            Self::Int(_) => 3,
            Self::List(_) => 5,
            Self::Map(_) => 6,
            Self::Float(_) => 8,
            Self::Bytes(kind, _) => rank_of(*kind),
        }
    }
}

#[inline]
fn rank_of(kind: ParticleType) -> u8 {
    match kind {
        ParticleType::STRING => 4,
        ParticleType::GEOJSON => 9,
        _ => 7,
    }
}

/// What cannot be read comes before what can. What can be read has no collection in it that
/// nests too deep, so that comparing ends.
fn readable<T>(a: Result<T, DecodeError>, b: Result<T, DecodeError>) -> Result<(T, T), Ordering> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.is_ok().cmp(&b.is_ok())),
    }
}

fn lists(a: &[u8], b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (Reader::new(a), Reader::new(b));
    let mut compare = || -> Result<Ordering, Ordering> {
        let (a_len, b_len) = readable(a.list(), b.list())?;
        for _ in 0..a_len.min(b_len) {
            let (a, b) = readable(a.element(), b.element())?;
            let order = a.compare(&b);
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(a_len.cmp(&b_len))
    };
    compare().unwrap_or_else(|order| order)
}

fn maps(a: &[u8], b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (Reader::new(a), Reader::new(b));
    let mut compare = || -> Result<Ordering, Ordering> {
        let (a_len, b_len) = readable(a.map(), b.map())?;
        if a_len != b_len {
            return Ok(a_len.cmp(&b_len));
        }
        let (a, b) = readable(in_order(&mut a, a_len), in_order(&mut b, b_len))?;
        for ((a_key, a_value), (b_key, b_value)) in a.zip(b) {
            let order = a_key.compare(&b_key);
            if order.is_ne() {
                return Ok(order);
            }
            let (mut a, mut b) = (Reader::new(a_value), Reader::new(b_value));
            let (a, b) = readable(a.element(), b.element())?;
            let order = a.compare(&b);
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    };
    compare().unwrap_or_else(|order| order)
}

/// An entry of a map: its key, and its value packed.
pub(crate) type Entry<'a> = (Element<'a>, &'a [u8]);

/// Sorts entries by their keys; those with one key keep their order.
pub(crate) fn sort(entries: &mut [Entry<'_>]) {
    // The comparison stays a call: it would be copied a dozen times into the sort.
    entries.sort_by(|a, b| a.0.compare_any(&b.0));
}

/// The next `n` entries, as they stand or sorted by their keys.
enum Entries<'a> {
    Read(Reader<'a>, usize),
    Sorted(vec::IntoIter<Entry<'a>>),
}

fn in_order<'a>(reader: &mut Reader<'a>, n: usize) -> Result<Entries<'a>, DecodeError> {
    let entries = Entries::Read(reader.clone(), n);
    let mut sorted = true;
    let mut last: Option<Element<'a>> = None;
    for _ in 0..n {
        let key = reader.element()?;
        reader.skip()?;
        sorted &= last.is_none_or(|last| last.compare(&key).is_le());
        last = Some(key);
    }
    if sorted {
        return Ok(entries);
    }
    let mut entries: Vec<_> = entries.collect();
    sort(&mut entries);
    Ok(Entries::Sorted(entries.into_iter()))
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Read(reader, left) => {
                *left = left.checked_sub(1)?;
                Some((reader.element().ok()?, reader.skip().ok()?))
            }
            Self::Sorted(entries) => entries.next(),
        }
    }
}
