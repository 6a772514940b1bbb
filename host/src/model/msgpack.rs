//! MessagePack as Aerospike packs lists and maps.
//!
//! It is standard MessagePack but for this: a string or blob inside a collection starts
//! with a byte that says its particle type, and the first element of a collection may be an
//! extension that carries the collection's order flags.

use bytes::Bytes;
use rmp::Marker;
use rmp::encode::{
    ByteBuf, write_array_len, write_bin_len, write_f64, write_map_len, write_sint, write_str_len,
    write_uint,
};

use super::{ParticleType, Value};

/// Nesting deeper than this is refused, so that no input can exhaust the stack.
pub const MAX_DEPTH: usize = 64;

/// Malformed MessagePack; the offset is in bytes from the start of the reader's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed MessagePack at byte {offset}: {what}")]
pub struct DecodeError {
    /// Where.
    pub offset: usize,
    /// What was wrong.
    pub what: &'static str,
}

/// One token of a packed value. A list or map is its header; its elements follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// Nil.
    Nil,
    /// Boolean.
    Bool(bool),
    /// Any integer that fits 64 bits signed.
    Int(i64),
    /// An unsigned integer beyond the signed range.
    UInt(u64),
    /// Float, of 32 or 64 bits.
    Float(f64),
    /// String or blob: the particle type byte and the bytes behind it.
    Bytes(ParticleType, &'a [u8]),
    /// A list of so many elements.
    List(u32),
    /// A map of so many pairs.
    Map(u32),
    /// An extension: type and data.
    Ext(i8, &'a [u8]),
}

/// Reads packed values token by token, without copying.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, pos: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.pos >= self.data.len()
    }

    /// An error at the reader's place.
    pub fn error(&self, what: &'static str) -> DecodeError {
        DecodeError {
            offset: self.pos,
            what,
        }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let end = self
            .pos
            .checked_add(n)
            .filter(|end| *end <= self.data.len());
        let end = end.ok_or_else(|| self.error("the value is cut off"))?;
        let bytes = &self.data[self.pos..end];
        self.pos = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    fn bytes(&mut self, n: usize) -> Result<Item<'a>, DecodeError> {
        let bytes = self.take(n)?;
        Ok(match bytes.split_first() {
            Some((kind, rest)) => Item::Bytes(ParticleType(*kind), rest),
            None => Item::Bytes(ParticleType::STRING, bytes),
        })
    }

    fn ext(&mut self, n: usize) -> Result<Item<'a>, DecodeError> {
        let kind = self.array::<1>()?[0] as i8;
        Ok(Item::Ext(kind, self.take(n)?))
    }

    /// A list or map of `n` items of at least one byte each cannot be longer than the input.
    fn count(&self, n: u32, each: usize) -> Result<u32, DecodeError> {
        if (n as usize).saturating_mul(each) > self.data.len() - self.pos {
            return Err(self.error("more elements are announced than there are bytes"));
        }
        Ok(n)
    }

    /// The next token.
    ///
    /// # Errors
    /// [`DecodeError`] when the input ends early or holds a byte that MessagePack reserves.
    pub fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let marker = Marker::from_u8(self.array::<1>()?[0]);
        Ok(match marker {
            Marker::Null => Item::Nil,
            Marker::True => Item::Bool(true),
            Marker::False => Item::Bool(false),
            Marker::FixPos(v) => Item::Int(v.into()),
            Marker::FixNeg(v) => Item::Int(v.into()),
            Marker::U8 => Item::Int(self.array::<1>()?[0].into()),
            Marker::U16 => Item::Int(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Item::Int(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => {
                let v = u64::from_be_bytes(self.array()?);
                i64::try_from(v).map_or(Item::UInt(v), Item::Int)
            }
            Marker::I8 => Item::Int(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Item::Int(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Item::Int(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Item::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Item::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Item::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(n) => self.bytes(n.into())?,
            Marker::Str8 | Marker::Bin8 => {
                let n = self.array::<1>()?[0];
                self.bytes(n.into())?
            }
            Marker::Str16 | Marker::Bin16 => {
                let n = u16::from_be_bytes(self.array()?);
                self.bytes(n.into())?
            }
            Marker::Str32 | Marker::Bin32 => {
                let n = u32::from_be_bytes(self.array()?);
                self.bytes(n as usize)?
            }
            Marker::FixArray(n) => Item::List(self.count(n.into(), 1)?),
            Marker::Array16 => {
                let n = u16::from_be_bytes(self.array()?);
                Item::List(self.count(n.into(), 1)?)
            }
            Marker::Array32 => {
                let n = u32::from_be_bytes(self.array()?);
                Item::List(self.count(n, 1)?)
            }
            Marker::FixMap(n) => Item::Map(self.count(n.into(), 2)?),
            Marker::Map16 => {
                let n = u16::from_be_bytes(self.array()?);
                Item::Map(self.count(n.into(), 2)?)
            }
            Marker::Map32 => {
                let n = u32::from_be_bytes(self.array()?);
                Item::Map(self.count(n, 2)?)
            }
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => {
                let n = self.array::<1>()?[0];
                self.ext(n.into())?
            }
            Marker::Ext16 => {
                let n = u16::from_be_bytes(self.array()?);
                self.ext(n.into())?
            }
            Marker::Ext32 => {
                let n = u32::from_be_bytes(self.array()?);
                self.ext(n as usize)?
            }
            Marker::Reserved => return Err(self.error("a reserved byte")),
        })
    }

    /// Skips one whole value and returns its packed bytes.
    ///
    /// # Errors
    /// As [`Reader::item`], and when it nests deeper than [`MAX_DEPTH`].
    pub fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.pos;
        self.skip_nested(0)?;
        Ok(&self.data[start..self.pos])
    }

    fn skip_nested(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        let n = match self.item()? {
            Item::List(n) => u64::from(n),
            Item::Map(n) => u64::from(n) * 2,
            _ => 0,
        };
        for _ in 0..n {
            self.skip_nested(depth + 1)?;
        }
        Ok(())
    }

    /// The next whole value, as [`Value`]; collections stay packed.
    ///
    /// # Errors
    /// As [`Reader::skip`].
    pub fn value(&mut self) -> Result<Value, DecodeError> {
        let start = self.pos;
        Ok(match self.item()? {
            Item::Nil | Item::Ext(..) => Value::Nil,
            Item::Bool(b) => Value::Bool(b),
            Item::Int(i) => Value::Int(i),
            Item::UInt(u) => Value::Int(u as i64),
            Item::Float(f) => Value::Float(f),
            Item::Bytes(kind, b) => bytes_value(kind, b),
            Item::List(_) => {
                self.pos = start;
                Value::List(Bytes::copy_from_slice(self.skip()?))
            }
            Item::Map(_) => {
                self.pos = start;
                Value::Map(Bytes::copy_from_slice(self.skip()?))
            }
        })
    }

    /// Reads a list's header and returns how many elements follow, past any order flags.
    ///
    /// # Errors
    /// [`DecodeError`] when the next value is not a list.
    pub fn list(&mut self) -> Result<usize, DecodeError> {
        match self.item()? {
            Item::List(n) => Ok(n as usize - self.skip_flags(n, false)?),
            _ => Err(self.error("expected a list")),
        }
    }

    /// Reads a map's header and returns how many pairs follow, past any order flags.
    ///
    /// # Errors
    /// [`DecodeError`] when the next value is not a map.
    pub fn map(&mut self) -> Result<usize, DecodeError> {
        match self.item()? {
            Item::Map(n) => Ok(n as usize - self.skip_flags(n, true)?),
            _ => Err(self.error("expected a map")),
        }
    }

    fn skip_flags(&mut self, n: u32, map: bool) -> Result<usize, DecodeError> {
        if n == 0 {
            return Ok(0);
        }
        let mut ahead = self.clone();
        if !matches!(ahead.item()?, Item::Ext(..)) {
            return Ok(0);
        }
        if map {
            ahead.skip()?;
        }
        *self = ahead;
        Ok(1)
    }
}

fn bytes_value(kind: ParticleType, b: &[u8]) -> Value {
    let b = Bytes::copy_from_slice(b);
    match kind {
        ParticleType::STRING => Value::Str(b),
        ParticleType::GEOJSON => Value::Geo(geo_particle(&b)),
        ParticleType::HLL => Value::Hll(b),
        kind => Value::Blob(kind, b),
    }
}

/// GeoJSON text as a bin's particle holds it: flags, no cells, then the text.
fn geo_particle(json: &[u8]) -> Bytes {
    let mut out = vec![0u8; 3];
    out.extend_from_slice(json);
    out.into()
}

/// The JSON text of a GeoJSON particle.
pub fn geo_text(particle: &[u8]) -> &[u8] {
    let cells = particle
        .get(1..3)
        .map_or(0, |n| usize::from(u16::from_be_bytes([n[0], n[1]])));
    particle.get(3 + cells * 8..).unwrap_or_default()
}

/// Appends one value.
pub fn pack(value: &Value, out: &mut Vec<u8>) {
    // ByteBuf's writes cannot fail; it only borrows the buffer for the call.
    match value {
        Value::List(b) | Value::Map(b) => out.extend_from_slice(b),
        Value::Str(b) => pack_bytes(ParticleType::STRING, b, out),
        Value::Geo(b) => pack_bytes(ParticleType::GEOJSON, geo_text(b), out),
        Value::Hll(b) => pack_bytes(ParticleType::HLL, b, out),
        Value::Blob(kind, b) => pack_bytes(*kind, b, out),
        Value::Nil => out.push(0xC0),
        Value::Bool(b) => out.push(if *b { 0xC3 } else { 0xC2 }),
        Value::Int(i) => pack_int(*i, out),
        Value::Float(f) => with(out, |w| write_f64(w, *f).is_ok()),
    }
}

/// Appends an integer in its shortest form.
pub fn pack_int(i: i64, out: &mut Vec<u8>) {
    with(out, |w| {
        if i >= 0 {
            write_uint(w, i as u64).is_ok()
        } else {
            write_sint(w, i).is_ok()
        }
    });
}

/// Appends a string or blob of particle type `kind`. Strings take the `str` family and
/// everything else the `bin` family's sizes, as the official clients write them.
pub fn pack_bytes(kind: ParticleType, b: &[u8], out: &mut Vec<u8>) {
    let n = b.len() as u32 + 1;
    with(out, |w| {
        if kind == ParticleType::STRING || kind == ParticleType::GEOJSON {
            write_str_len(w, n).is_ok()
        } else {
            write_bin_len(w, n).is_ok()
        }
    });
    out.push(kind.0);
    out.extend_from_slice(b);
}

/// Appends a list header.
pub fn pack_list_len(n: u32, out: &mut Vec<u8>) {
    with(out, |w| write_array_len(w, n).is_ok());
}

/// Appends a map header.
pub fn pack_map_len(n: u32, out: &mut Vec<u8>) {
    with(out, |w| write_map_len(w, n).is_ok());
}

fn with(out: &mut Vec<u8>, write: impl FnOnce(&mut ByteBuf) -> bool) {
    let mut buf = ByteBuf::from_vec(std::mem::take(out));
    let written = write(&mut buf);
    debug_assert!(written, "writing to memory cannot fail");
    *out = buf.into_vec();
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

/// The extension that marks a key-ordered map: type 1 (key ordered), no data, nil value.
pub const KEY_ORDERED: [u8; 4] = [0xC7, 0, 1, 0xC0];

/// Packs a key-ordered map: the order flag, then the entries sorted by key.
pub fn pack_map<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Vec<u8> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by(|a, b| compare(&a.0, &b.0));
    let mut out = Vec::new();
    pack_map_len(entries.len() as u32 + 1, &mut out);
    out.extend_from_slice(&KEY_ORDERED);
    for (k, v) in &entries {
        pack(k, &mut out);
        pack(v, &mut out);
    }
    out
}

/// The protocol's order of values: by type (nil, boolean, integer, string, list, map,
/// blob, float, geojson), then by content.
pub fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    compare_depth(a, b, 0)
}

fn compare_depth(a: &Value, b: &Value, depth: usize) -> std::cmp::Ordering {
    fn rank(v: &Value) -> u8 {
        match v {
            Value::Nil => 1,
            Value::Bool(_) => 2,
            Value::Int(_) => 3,
            Value::Str(_) => 4,
            Value::List(_) => 5,
            Value::Map(_) => 6,
            Value::Blob(..) | Value::Hll(_) => 7,
            Value::Float(_) => 8,
            Value::Geo(_) => 9,
        }
    }
    let by_rank = rank(a).cmp(&rank(b));
    if by_rank.is_ne() || depth > MAX_DEPTH {
        return by_rank;
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Str(a), Value::Str(b)) | (Value::Geo(a), Value::Geo(b)) => a.cmp(b),
        (Value::Blob(_, a) | Value::Hll(a), Value::Blob(_, b) | Value::Hll(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let (mut ra, mut rb) = (Reader::new(a), Reader::new(b));
            let (Ok(na), Ok(nb)) = (ra.list(), rb.list()) else {
                return a.cmp(b);
            };
            for _ in 0..na.min(nb) {
                let (Ok(x), Ok(y)) = (ra.value(), rb.value()) else {
                    return a.cmp(b);
                };
                let order = compare_depth(&x, &y, depth + 1);
                if order.is_ne() {
                    return order;
                }
            }
            na.cmp(&nb)
        }
        (Value::Map(ma), Value::Map(mb)) => {
            let (Ok(ea), Ok(eb)) = (map_entries(ma), map_entries(mb)) else {
                return ma.cmp(mb);
            };
            let by_len = ea.len().cmp(&eb.len());
            if by_len.is_ne() {
                return by_len;
            }
            for ((ka, va), (kb, vb)) in ea.iter().zip(&eb) {
                let order =
                    compare_depth(ka, kb, depth + 1).then_with(|| compare_depth(va, vb, depth + 1));
                if order.is_ne() {
                    return order;
                }
            }
            std::cmp::Ordering::Equal
        }
        _ => std::cmp::Ordering::Equal,
    }
}

/// The elements of a packed list.
///
/// # Errors
/// [`DecodeError`] when the bytes are not a list.
pub fn list_items(packed: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut r = Reader::new(packed);
    let n = r.list()?;
    (0..n).map(|_| r.value()).collect()
}

/// The entries of a packed map, sorted by key.
///
/// # Errors
/// [`DecodeError`] when the bytes are not a map.
pub fn map_entries(packed: &[u8]) -> Result<Vec<(Value, Value)>, DecodeError> {
    let mut r = Reader::new(packed);
    let n = r.map()?;
    let mut entries = (0..n)
        .map(|_| Ok((r.value()?, r.value()?)))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| compare(&a.0, &b.0));
    Ok(entries)
}
