//! Values of any type.

use std::cmp::Ordering;

use petrel_packed::{DecodeError, Element, Particle, ParticleType, Reader, geo_text};

use crate::{Error, List, Map, Result, kind};

/// A value read in place.
///
/// Values have the order in which maps and lists are sorted: by type, then by value; so a
/// `BTreeMap` can have them as keys.
///
/// ```
/// use petrel_udf::{Record, ValueRef};
///
/// let record = Record::testing().bin("age", 40).build();
/// assert!(matches!(record.value("age").unwrap(), ValueRef::Int(40)));
/// assert!(matches!(record.value("name").unwrap(), ValueRef::Nil));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// No value.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float.
    Float(f64),
    /// A string.
    Str(&'a str),
    /// Bytes, with their particle type ([`kind::BLOB`] for plain ones).
    Blob(u8, &'a [u8]),
    /// A list.
    List(List<'a>),
    /// A map.
    Map(Map<'a>),
    /// GeoJSON text.
    Geo(&'a str),
    /// A HyperLogLog sketch.
    Hll(&'a [u8]),
}

impl<'a> ValueRef<'a> {
    /// Text that is not UTF-8 stays a blob of its type: nothing is lost, nothing invented.
    fn bytes(kind: ParticleType, data: &'a [u8]) -> Self {
        let text = match kind {
            ParticleType::STRING => std::str::from_utf8(data).map(Self::Str),
            ParticleType::GEOJSON => std::str::from_utf8(data).map(Self::Geo),
            ParticleType::HLL => return Self::Hll(data),
            ParticleType(kind) => return Self::Blob(kind, data),
        };
        text.unwrap_or(Self::Blob(kind.0, data))
    }

    /// Reads the next value of a packed list or map.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(match reader.element().map_err(malformed)? {
            Element::Nil => Self::Nil,
            Element::Bool(b) => Self::Bool(b),
            Element::Int(i) => Self::Int(i),
            Element::Float(f) => Self::Float(f),
            Element::Bytes(kind, data) => Self::bytes(kind, data),
            Element::List(packed) => Self::List(List::new(packed)?),
            Element::Map(packed) => Self::Map(Map::new(packed)?),
        })
    }

    /// The value as a packed list or map has it.
    pub(crate) fn element(&self) -> Element<'a> {
        match *self {
            Self::Nil => Element::Nil,
            Self::Bool(b) => Element::Bool(b),
            Self::Int(i) => Element::Int(i),
            Self::Float(f) => Element::Float(f),
            Self::Str(s) => Element::Bytes(ParticleType::STRING, s.as_bytes()),
            Self::Blob(kind, data) => Element::Bytes(ParticleType(kind), data),
            Self::List(list) => Element::List(list.as_packed()),
            Self::Map(map) => Element::Map(map.as_packed()),
            Self::Geo(s) => Element::Bytes(ParticleType::GEOJSON, s.as_bytes()),
            Self::Hll(data) => Element::Bytes(ParticleType::HLL, data),
        }
    }

    /// Reads a particle: the type and bytes of a bin.
    ///
    /// # Errors
    /// When the bytes do not fit the type.
    #[inline]
    pub fn from_particle(kind: u8, data: &'a [u8]) -> Result<Self> {
        let particle = Particle::new(ParticleType(kind), data);
        let fixed = match particle.kind {
            ParticleType::INTEGER => particle.as_int().map(Self::Int),
            ParticleType::FLOAT => particle.as_float().map(Self::Float),
            ParticleType::BOOL => particle.as_bool().map(Self::Bool),
            ParticleType::NULL => return Ok(Self::Nil),
            ParticleType::LIST => return List::new(data).map(Self::List),
            ParticleType::MAP => return Map::new(data).map(Self::Map),
            ParticleType::GEOJSON => {
                let long = data.len() >= 3;
                long.then(|| Self::bytes(particle.kind, geo_text(data)))
            }
            kind => return Ok(Self::bytes(kind, data)),
        };
        fixed.ok_or_else(|| misfit(kind, data.len()))
    }

    /// The particle type.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Nil => kind::NIL,
            Self::Bool(_) => kind::BOOL,
            Self::Int(_) => kind::INTEGER,
            Self::Float(_) => kind::FLOAT,
            Self::Str(_) => kind::STRING,
            Self::Blob(kind, _) => *kind,
            Self::List(_) => kind::LIST,
            Self::Map(_) => kind::MAP,
            Self::Geo(_) => kind::GEOJSON,
            Self::Hll(_) => kind::HLL,
        }
    }
}

impl Ord for ValueRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.element().compare(&other.element())
    }
}

impl PartialOrd for ValueRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ValueRef<'_> {}

macro_rules! from_integers {
    ($($int:ty)*) => {$(
        impl From<$int> for ValueRef<'_> {
            fn from(value: $int) -> Self {
                Self::Int(value.into())
            }
        }
    )*};
}
from_integers!(i8 i16 i32 i64 u16 u32);

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

#[cold]
fn misfit(kind: u8, n: usize) -> Error {
    let name = kind::name(kind);
    Error::new(format!(
        "a particle of type {name} cannot be {n} bytes long"
    ))
}

#[cold]
pub(crate) fn malformed(cause: DecodeError) -> Error {
    Error::new(format!("a list or map is {cause}"))
}

/// A value of its own: an argument kept for later, or a result put together.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float.
    Float(f64),
    /// A string.
    Str(String),
    /// Bytes, with their particle type ([`kind::BLOB`] for plain ones).
    Blob(u8, Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A map; written in the order of its keys.
    Map(Vec<(Value, Value)>),
    /// GeoJSON text.
    Geo(String),
    /// A HyperLogLog sketch.
    Hll(Vec<u8>),
}
