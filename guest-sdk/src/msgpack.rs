//! MessagePack as lists and maps are packed.
//!
//! Standard MessagePack, but that a string or blob inside begins with its particle type and
//! that the first element of a collection may be an extension with its order flags.

use crate::{Error, Result, ValueRef, kind};

/// Starts a key-ordered map, as its first pair: an extension of type 1, then nil.
pub(crate) const KEY_ORDERED: [u8; 4] = [0xC7, 0, 1, 0xC0];

#[cold]
fn malformed() -> Error {
    Error::new("a list or map is malformed")
}

/// Reads packed values in place.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A token: a scalar, or the header of a collection.
enum Item<'a> {
    Value(ValueRef<'a>),
    List(u32),
    Map(u32),
    Ext,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn size<const N: usize>(&mut self) -> Result<u32> {
        Ok(self
            .array::<N>()?
            .iter()
            .fold(0, |n, b| n << 8 | u32::from(*b)))
    }

    fn bytes(&mut self, n: u32) -> Result<Item<'a>> {
        let bytes = self.take(n as usize)?;
        let Some((kind, data)) = bytes.split_first() else {
            return Ok(Item::Value(ValueRef::Str("")));
        };
        Ok(Item::Value(match *kind {
            kind::STRING => ValueRef::text(data),
            kind::GEOJSON => ValueRef::geo(data),
            kind::HLL => ValueRef::Hll(data),
            kind => ValueRef::Blob(kind, data),
        }))
    }

    fn ext(&mut self, n: u32) -> Result<Item<'a>> {
        self.take(n as usize + 1)?;
        Ok(Item::Ext)
    }

    /// The next value if it is an integer: the one token worth a path of its own.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64> {
        match self.rest {
            [b @ 0..=0x7F, rest @ ..] => {
                self.rest = rest;
                Ok(i64::from(*b))
            }
            _ => self.wide_int(),
        }
    }

    #[inline]
    fn wide_int(&mut self) -> Result<i64> {
        let [marker] = self.array()?;
        Ok(match marker {
            0xE0..=0xFF => i64::from(marker as i8),
            0xCC => self.array::<1>()?[0].into(),
            0xCD => u16::from_be_bytes(self.array()?).into(),
            0xCE => u32::from_be_bytes(self.array()?).into(),
            0xCF => u64::from_be_bytes(self.array()?) as i64,
            0xD0 => (self.array::<1>()?[0] as i8).into(),
            0xD1 => i16::from_be_bytes(self.array()?).into(),
            0xD2 => i32::from_be_bytes(self.array()?).into(),
            0xD3 => i64::from_be_bytes(self.array()?),
            _ => return Err(Error::new("an element is not an integer")),
        })
    }

    fn item(&mut self) -> Result<Item<'a>> {
        let marker = *self.rest.first().ok_or_else(malformed)?;
        if let 0..=0x7F | 0xCC..=0xD3 | 0xE0..=0xFF = marker {
            return Ok(Item::Value(ValueRef::Int(self.int()?)));
        }
        self.rest = &self.rest[1..];
        Ok(match marker {
            0x80..=0x8F => Item::Map(u32::from(marker & 0xF)),
            0x90..=0x9F => Item::List(u32::from(marker & 0xF)),
            0xA0..=0xBF => self.bytes(u32::from(marker & 0x1F))?,
            0xC0 => Item::Value(ValueRef::Nil),
            0xC2 => Item::Value(ValueRef::Bool(false)),
            0xC3 => Item::Value(ValueRef::Bool(true)),
            0xC4 | 0xD9 => {
                let n = self.size::<1>()?;
                self.bytes(n)?
            }
            0xC5 | 0xDA => {
                let n = self.size::<2>()?;
                self.bytes(n)?
            }
            0xC6 | 0xDB => {
                let n = self.size::<4>()?;
                self.bytes(n)?
            }
            0xC7 => {
                let n = self.size::<1>()?;
                self.ext(n)?
            }
            0xC8 => {
                let n = self.size::<2>()?;
                self.ext(n)?
            }
            0xC9 => {
                let n = self.size::<4>()?;
                self.ext(n)?
            }
            0xCA => Item::Value(ValueRef::Float(f32::from_be_bytes(self.array()?).into())),
            0xCB => Item::Value(ValueRef::Float(f64::from_be_bytes(self.array()?))),
            0xD4..=0xD8 => self.ext(1 << (marker - 0xD4))?,
            0xDC => Item::List(self.size::<2>()?),
            0xDD => Item::List(self.size::<4>()?),
            0xDE => Item::Map(self.size::<2>()?),
            0xDF => Item::Map(self.size::<4>()?),
            _ => return Err(malformed()),
        })
    }

    /// Passes one whole value, without recursion, so that no nesting exhausts the stack.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let mut left = 1u64;
        while left > 0 {
            left -= 1;
            match self.item()? {
                Item::List(n) => left += u64::from(n),
                Item::Map(n) => left += u64::from(n) * 2,
                Item::Value(_) | Item::Ext => {}
            }
        }
        Ok(())
    }

    /// The next whole value; collections stay packed.
    pub(crate) fn value(&mut self) -> Result<ValueRef<'a>> {
        let start = self.rest;
        let is_list = match self.item()? {
            Item::Value(value) => return Ok(value),
            Item::Ext => return Ok(ValueRef::Nil),
            Item::List(_) => true,
            Item::Map(_) => false,
        };
        self.rest = start;
        self.skip()?;
        let packed = &start[..start.len() - self.rest.len()];
        Ok(if is_list {
            ValueRef::List(crate::List::new(packed)?)
        } else {
            ValueRef::Map(crate::Map::new(packed)?)
        })
    }

    /// A list's header, past its order flags: how many elements follow.
    pub(crate) fn list(&mut self) -> Result<usize> {
        match self.item()? {
            Item::List(n) => Ok(n as usize - self.skip_flags(n, false)),
            _ => Err(malformed()),
        }
    }

    /// A map's header, past its order flags: how many pairs follow.
    pub(crate) fn map(&mut self) -> Result<usize> {
        match self.item()? {
            Item::Map(n) => Ok(n as usize - self.skip_flags(n, true)),
            _ => Err(malformed()),
        }
    }

    fn skip_flags(&mut self, n: u32, pair: bool) -> usize {
        if n == 0 || !matches!(self.rest.first(), Some(0xC7..=0xC9 | 0xD4..=0xD8)) {
            return 0;
        }
        let mut ahead = self.clone();
        if ahead.skip().is_err() || (pair && ahead.skip().is_err()) {
            return 0;
        }
        *self = ahead;
        1
    }
}

/// Appends an integer in its shortest form.
#[inline]
pub(crate) fn pack_int(i: i64, out: &mut Vec<u8>) {
    match i {
        0..=0x7F => out.push(i as u8),
        -32..=-1 => out.push(i as u8),
        0x80..=0xFF => out.extend_from_slice(&[0xCC, i as u8]),
        0x100..=0xFFFF => with_marker(0xCD, (i as u16).to_be_bytes(), out),
        0x1_0000..=0xFFFF_FFFF => with_marker(0xCE, (i as u32).to_be_bytes(), out),
        0x1_0000_0000.. => with_marker(0xCF, i.to_be_bytes(), out),
        -0x80..=-33 => out.extend_from_slice(&[0xD0, i as u8]),
        -0x8000..=-0x81 => with_marker(0xD1, (i as i16).to_be_bytes(), out),
        -0x8000_0000..=-0x8001 => with_marker(0xD2, (i as i32).to_be_bytes(), out),
        _ => with_marker(0xD3, i.to_be_bytes(), out),
    }
}

pub(crate) fn pack_float(f: f64, out: &mut Vec<u8>) {
    with_marker(0xCB, f.to_be_bytes(), out);
}

pub(crate) fn pack_bool(b: bool, out: &mut Vec<u8>) {
    out.push(if b { 0xC3 } else { 0xC2 });
}

pub(crate) fn pack_nil(out: &mut Vec<u8>) {
    out.push(0xC0);
}

#[inline]
fn with_marker<const N: usize>(marker: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    out.push(marker);
    out.extend_from_slice(&bytes);
}

/// Appends a string or blob behind its particle type: strings and GeoJSON with the `str`
/// sizes, everything else with the `bin` sizes, as the official clients write them.
#[inline]
pub(crate) fn pack_bytes(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let n = bytes.len() as u32 + 1;
    let text = kind == kind::STRING || kind == kind::GEOJSON;
    match n {
        0..=31 if text => out.push(0xA0 | n as u8),
        0..=0xFF => out.extend_from_slice(&[if text { 0xD9 } else { 0xC4 }, n as u8]),
        0x100..=0xFFFF => {
            with_marker(
                if text { 0xDA } else { 0xC5 },
                (n as u16).to_be_bytes(),
                out,
            );
        }
        _ => with_marker(if text { 0xDB } else { 0xC6 }, n.to_be_bytes(), out),
    }
    out.push(kind);
    out.extend_from_slice(bytes);
}

pub(crate) fn pack_list_len(n: u32, out: &mut Vec<u8>) {
    match n {
        0..=15 => out.push(0x90 | n as u8),
        16..=0xFFFF => with_marker(0xDC, (n as u16).to_be_bytes(), out),
        _ => with_marker(0xDD, n.to_be_bytes(), out),
    }
}

/// Appends the header of a key-ordered map of `n` entries.
pub(crate) fn pack_map_head(n: u32, out: &mut Vec<u8>) {
    match n + 1 {
        n @ 0..=15 => out.push(0x80 | n as u8),
        n @ 16..=0xFFFF => with_marker(0xDE, (n as u16).to_be_bytes(), out),
        n => with_marker(0xDF, n.to_be_bytes(), out),
    }
    out.extend_from_slice(&KEY_ORDERED);
}
