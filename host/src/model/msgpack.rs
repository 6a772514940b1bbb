//! MessagePack as Aerospike packs lists and maps, read and written as [`Value`]s.
//!
//! The format itself is [`petrel_packed`]'s, which guests share.

use std::cmp::Ordering;

use bytes::Bytes;
pub use petrel_packed::{
    DecodeError, Element, Item, KEY_ORDERED, MAX_DEPTH, Reader, geo_particle, geo_text, pack_bool,
    pack_bytes, pack_float, pack_int, pack_list_len, pack_map_head, pack_map_len, pack_nil,
};

use super::{ParticleType, Value};

impl From<Element<'_>> for Value {
    #[inline]
    fn from(element: Element<'_>) -> Self {
        let copy = Bytes::copy_from_slice;
        match element {
            Element::Nil => Self::Nil,
            Element::Bool(b) => Self::Bool(b),
            Element::Int(i) => Self::Int(i),
            Element::Float(f) => Self::Float(f),
            Element::Bytes(ParticleType::STRING, b) => Self::Str(copy(b)),
            Element::Bytes(ParticleType::HLL, b) => Self::Hll(copy(b)),
            Element::Bytes(ParticleType::GEOJSON, text) => {
                let mut particle = Vec::new();
                geo_particle(text, &mut particle);
                Self::Geo(particle.into())
            }
            Element::Bytes(kind, b) => Self::Blob(kind, copy(b)),
            Element::List(b) => Self::List(copy(b)),
            Element::Map(b) => Self::Map(copy(b)),
        }
    }
}

impl<'a> From<&'a Value> for Element<'a> {
    #[inline]
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(*f),
            Value::Str(b) => Self::Bytes(ParticleType::STRING, b),
            Value::Blob(kind, b) => Self::Bytes(*kind, b),
            Value::List(b) => Self::List(b),
            Value::Map(b) => Self::Map(b),
            Value::Geo(b) => Self::Bytes(ParticleType::GEOJSON, geo_text(b)),
            Value::Hll(b) => Self::Bytes(ParticleType::HLL, b),
        }
    }
}

/// Appends one value.
pub fn pack(value: &Value, out: &mut Vec<u8>) {
    Element::from(value).pack(out);
}

/// Packs a list.
pub fn pack_list<I>(items: I) -> Vec<u8>
where
    I: IntoIterator<Item = Value>,
    I::IntoIter: ExactSizeIterator,
{
    let items = items.into_iter();
    let mut out = Vec::new();
    pack_list_len(items.len() as u32, &mut out);
    for item in items {
        pack(&item, &mut out);
    }
    out
}

/// Packs a key-ordered map: the order flag, then the entries sorted by key.
pub fn pack_map<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Vec<u8> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by(|a, b| compare(&a.0, &b.0));
    let mut out = Vec::new();
    pack_map_head(entries.len() as u32, &mut out);
    for (k, v) in &entries {
        pack(k, &mut out);
        pack(v, &mut out);
    }
    out
}

/// The protocol's order of values; see [`Element::compare`].
pub fn compare(a: &Value, b: &Value) -> Ordering {
    Element::from(a).compare(&Element::from(b))
}

/// The elements of a packed list.
///
/// # Errors
/// [`DecodeError`] when the bytes are not a list.
pub fn list_items(packed: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut r = Reader::new(packed);
    let n = r.list()?;
    (0..n).map(|_| Ok(r.element()?.into())).collect()
}

/// The entries of a packed map, sorted by key.
///
/// # Errors
/// [`DecodeError`] when the bytes are not a map.
pub fn map_entries(packed: &[u8]) -> Result<Vec<(Value, Value)>, DecodeError> {
    let mut r = Reader::new(packed);
    let n = r.map()?;
    let mut entries = (0..n)
        .map(|_| Ok((r.element()?.into(), r.element()?.into())))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| compare(&a.0, &b.0));
    Ok(entries)
}
