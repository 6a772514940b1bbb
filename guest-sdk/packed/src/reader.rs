//! Reading MessagePack as Aerospike packs lists and maps.
//!
//! It is standard MessagePack but for this: a string or blob inside a collection starts
//! with a byte that says its particle type, and the first element of a collection may be an
//! extension that carries the collection's order flags.

use core::fmt;

use crate::{Element, MAX_DEPTH, ParticleType};

/// Malformed MessagePack; the offset is in bytes from the start of the reader's input.
///
/// ```
/// let cut = petrel_packed::Reader::new(&[0xCD, 1]).skip().unwrap_err();
/// assert_eq!(cut.to_string(), "malformed MessagePack at byte 1: the value is cut off");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where.
    pub offset: usize,
    /// What was wrong.
    pub what: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, what } = self;
        write!(f, "malformed MessagePack at byte {offset}: {what}")
    }
}

impl core::error::Error for DecodeError {}

/// One token of a packed value. A list or map is its header; its elements follow.
///
/// ```
/// use petrel_packed::{Item, Reader};
///
/// let mut reader = Reader::new(&[0x91, 0xC3]);
/// assert_eq!(reader.item(), Ok(Item::List(1)));
/// assert_eq!(reader.item(), Ok(Item::Bool(true)));
/// ```
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

impl Item<'_> {
    /// How many values follow that belong to this one.
    #[inline]
    fn follow(&self) -> usize {
        match self {
            Self::List(n) => *n as usize,
            // There are as many bytes as that, so it fits.
            Self::Map(n) => (*n as usize).saturating_mul(2),
            _ => 0,
        }
    }
}

/// Reads packed values token by token, without copying.
///
/// A failed read leaves the reader somewhere in the value that it could not read.
///
/// ```
/// use petrel_packed::Reader;
///
/// // {"a": 1}, key-ordered.
/// let map = [0x82, 0xC7, 0, 1, 0xC0, 0xA2, 3, b'a', 1];
/// let mut reader = Reader::new(&map);
/// assert_eq!(reader.map(), Ok(1));
/// assert_eq!(reader.skip(), Ok(&[0xA2, 3, b'a'][..]));
/// assert_eq!((reader.int(), reader.position()), (Ok(1), map.len()));
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `data`.
    #[inline]
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            len: data.len(),
        }
    }

    /// How many bytes were read.
    #[inline]
    pub fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// What was not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error at the reader's place.
    #[cold]
    pub fn error(&self, what: &'static str) -> DecodeError {
        DecodeError {
            offset: self.position(),
            what,
        }
    }

    #[cold]
    fn cut(&self) -> DecodeError {
        self.error("the value is cut off")
    }

    #[inline]
    fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    #[inline]
    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn ext(&mut self, n: u32) -> Result<Item<'a>, DecodeError> {
        let kind = self.u8()?.cast_signed();
        Ok(Item::Ext(kind, self.take(n as usize)?))
    }

    /// A list or map of `n` items of at least `each` bytes cannot be longer than the input.
    fn count(&self, n: u32, each: usize) -> Result<u32, DecodeError> {
        if (n as usize).saturating_mul(each) > self.rest.len() {
            return Err(self.error("more elements are announced than there are bytes"));
        }
        Ok(n)
    }

    /// The next token.
    ///
    /// # Errors
    /// [`DecodeError`] when the input ends early or holds a byte that MessagePack reserves.
    #[inline]
    pub fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        // Small integers and short strings, the common tokens, without a call.
        match self.rest {
            [b @ 0..=0x7F, rest @ ..] => {
                self.rest = rest;
                return Ok(Item::Int(i64::from(*b)));
            }
            _ => {
                if let Some((kind, bytes, rest)) = short_bytes(self.rest) {
                    self.rest = rest;
                    return Ok(Item::Bytes(kind, bytes));
                }
            }
        }
        self.any_item()
    }

    fn any_item(&mut self) -> Result<Item<'a>, DecodeError> {
        let marker = self.u8()?;
        Ok(match marker {
            0..=0x7F => Item::Int(marker.into()),
            0x80..=0x8F => Item::Map(self.count(u32::from(marker & 0x0F), 2)?),
            0x90..=0x9F => Item::List(self.count(u32::from(marker & 0x0F), 1)?),
            0xA0..=0xBF | 0xC4..=0xC6 | 0xD9..=0xDB => match self.bytes(marker)? {
                [kind, rest @ ..] => Item::Bytes(ParticleType(*kind), rest),
                [] => Item::Bytes(ParticleType::STRING, &[]),
            },
            0xC0 => Item::Nil,
            0xC1 => return Err(self.error("a reserved byte")),
            0xC2 => Item::Bool(false),
            0xC3 => Item::Bool(true),
            0xC7 => {
                let n = self.u8()?;
                self.ext(n.into())?
            }
            0xC8 => {
                let n = self.u16()?;
                self.ext(n.into())?
            }
            0xC9 => {
                let n = self.u32()?;
                self.ext(n)?
            }
            0xCA => Item::Float(f32::from_be_bytes(self.array()?).into()),
            0xCB => Item::Float(f64::from_be_bytes(self.array()?)),
            0xCC => Item::Int(self.u8()?.into()),
            0xCD => Item::Int(self.u16()?.into()),
            0xCE => Item::Int(self.u32()?.into()),
            0xCF => {
                let u = u64::from_be_bytes(self.array()?);
                i64::try_from(u).map_or(Item::UInt(u), Item::Int)
            }
            0xD0 => Item::Int(self.u8()?.cast_signed().into()),
            0xD1 => Item::Int(self.u16()?.cast_signed().into()),
            0xD2 => Item::Int(self.u32()?.cast_signed().into()),
            0xD3 => Item::Int(i64::from_be_bytes(self.array()?)),
            0xD4..=0xD8 => self.ext(1 << (marker - 0xD4))?,
            0xDC => {
                let n = self.u16()?;
                Item::List(self.count(n.into(), 1)?)
            }
            0xDD => {
                let n = self.u32()?;
                Item::List(self.count(n, 1)?)
            }
            0xDE => {
                let n = self.u16()?;
                Item::Map(self.count(n.into(), 2)?)
            }
            0xDF => {
                let n = self.u32()?;
                Item::Map(self.count(n, 2)?)
            }
            0xE0..=0xFF => Item::Int(marker.cast_signed().into()),
        })
    }

    /// What a string or blob holds, its particle type byte included, behind its marker.
    #[inline]
    fn bytes(&mut self, marker: u8) -> Result<&'a [u8], DecodeError> {
        let n = match marker {
            0xC4 | 0xD9 => self.u8()?.into(),
            0xC5 | 0xDA => self.u16()?.into(),
            0xC6 | 0xDB => self.u32()?,
            _ => u32::from(marker & 0x1F),
        };
        self.take(n as usize)
    }

    /// A string or blob that has no particle type byte, as names are packed outside of
    /// collections.
    ///
    /// # Errors
    /// [`DecodeError`] when the next value is neither.
    pub fn raw_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.rest.first() {
            Some(0xA0..=0xBF | 0xC4..=0xC6 | 0xD9..=0xDB) => {
                let marker = self.u8()?;
                self.bytes(marker)
            }
            _ => Err(self.error("expected a name or a text")),
        }
    }

    /// The next value if it is an integer, the token that is worth a path of its own; else
    /// nothing is read. Integers beyond the signed range wrap.
    #[inline(always)]
    pub fn next_int(&mut self) -> Option<i64> {
        let (int, rest) = int(self.rest)?;
        self.rest = rest;
        Some(int)
    }

    /// The next value, which must be an integer. See [`Reader::next_int`].
    ///
    /// # Errors
    /// [`DecodeError`] when it is something else.
    #[inline(always)]
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        // Not a method, so that a loop over integers can keep the reader in registers.
        self.next_int().ok_or_else(|| no_int(self.rest, self.len))
    }

    /// Skips one whole value and returns its packed bytes.
    ///
    /// # Errors
    /// As [`Reader::item`], and when it nests deeper than [`MAX_DEPTH`].
    #[inline]
    pub fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.rest;
        let follow = self.item()?.follow();
        if follow > 0 {
            self.skip_inner(follow, 1)?;
        }
        Ok(self.since(start))
    }

    /// What was read since the reader's rest was `start`.
    #[inline]
    fn since(&self, start: &'a [u8]) -> &'a [u8] {
        start
            .get(..start.len() - self.rest.len())
            .unwrap_or_default()
    }

    /// Skips the `n` values in a collection that is in `depth - 1` others.
    fn skip_inner(&mut self, n: usize, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        for _ in 0..n {
            let follow = self.item()?.follow();
            if follow > 0 {
                self.skip_inner(follow, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The next whole value; collections stay packed, extensions count as nil.
    ///
    /// # Errors
    /// As [`Reader::skip`].
    #[inline]
    pub fn element(&mut self) -> Result<Element<'a>, DecodeError> {
        let start = self.rest;
        Ok(match self.item()? {
            Item::Nil | Item::Ext(..) => Element::Nil,
            Item::Bool(b) => Element::Bool(b),
            Item::Int(i) => Element::Int(i),
            Item::UInt(u) => Element::Int(u.cast_signed()),
            Item::Float(f) => Element::Float(f),
            Item::Bytes(kind, b) => Element::Bytes(kind, b),
            item @ Item::List(_) => {
                self.skip_inner(item.follow(), 1)?;
                Element::List(self.since(start))
            }
            item @ Item::Map(_) => {
                self.skip_inner(item.follow(), 1)?;
                Element::Map(self.since(start))
            }
        })
    }

    /// Skips one whole value and returns whether it equals `value`, as
    /// [`Element::compare`] has it.
    ///
    /// # Errors
    /// As [`Reader::skip`].
    #[inline]
    pub fn next_is(&mut self, value: &Element<'_>) -> Result<bool, DecodeError> {
        // A short string, as most keys are, is compared where it is.
        if let (Element::Bytes(ParticleType::STRING, wanted), Some((kind, bytes, rest))) =
            (value, short_bytes(self.rest))
        {
            self.rest = rest;
            return Ok(kind == ParticleType::STRING && bytes == *wanted);
        }
        Ok(self.element()?.compare(value).is_eq())
    }

    /// Reads a list's header and returns how many elements follow, past any order flags.
    ///
    /// # Errors
    /// [`DecodeError`] when the next value is not a list.
    #[inline]
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
    #[inline]
    pub fn map(&mut self) -> Result<usize, DecodeError> {
        match self.item()? {
            Item::Map(n) => Ok(n as usize - self.skip_flags(n, true)?),
            _ => Err(self.error("expected a map")),
        }
    }

    #[inline]
    fn skip_flags(&mut self, n: u32, map: bool) -> Result<usize, DecodeError> {
        if n == 0 || !matches!(self.rest.first(), Some(0xC7..=0xC9 | 0xD4..=0xD8)) {
            return Ok(0);
        }
        self.skip()?;
        if map {
            self.skip()?;
        }
        Ok(1)
    }
}

/// The integer that `bytes` start with, and what follows it.
#[inline(always)]
fn int(bytes: &[u8]) -> Option<(i64, &[u8])> {
    fn be<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
        let (int, rest) = bytes.split_first_chunk()?;
        Some((*int, rest))
    }
    let (marker, rest) = bytes.split_first()?;
    Some(match marker {
        0..=0x7F => (i64::from(*marker), rest),
        0xE0..=0xFF => (marker.cast_signed().into(), rest),
        0xCC => be(rest).map(|(n, rest)| (u8::from_be_bytes(n).into(), rest))?,
        0xCD => be(rest).map(|(n, rest)| (u16::from_be_bytes(n).into(), rest))?,
        0xCE => be(rest).map(|(n, rest)| (u32::from_be_bytes(n).into(), rest))?,
        0xCF => be(rest).map(|(n, rest)| (u64::from_be_bytes(n).cast_signed(), rest))?,
        0xD0 => be(rest).map(|(n, rest)| (i8::from_be_bytes(n).into(), rest))?,
        0xD1 => be(rest).map(|(n, rest)| (i16::from_be_bytes(n).into(), rest))?,
        0xD2 => be(rest).map(|(n, rest)| (i32::from_be_bytes(n).into(), rest))?,
        0xD3 => be(rest).map(|(n, rest)| (i64::from_be_bytes(n), rest))?,
        _ => return None,
    })
}

#[cold]
fn no_int(rest: &[u8], len: usize) -> DecodeError {
    let reader = Reader { rest, len };
    match reader.clone().skip() {
        Ok(_) => reader.error("expected an integer"),
        Err(e) => e,
    }
}

/// The string or blob of the shortest form that `bytes` start with, and what follows it.
#[inline(always)]
fn short_bytes(bytes: &[u8]) -> Option<(ParticleType, &[u8], &[u8])> {
    match bytes {
        [marker @ 0xA1..=0xBF, kind, rest @ ..] => {
            let (bytes, rest) = rest.split_at_checked(usize::from(marker & 0x1F) - 1)?;
            Some((ParticleType(*kind), bytes, rest))
        }
        _ => None,
    }
}
