//! Values of any type.

use std::cmp::Ordering;

use crate::{List, Map, kind};

/// A value read in place.
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
    /// Text that is not UTF-8 stays a blob of type string: nothing is lost, nothing invented.
    pub(crate) fn text(data: &'a [u8]) -> Self {
        match std::str::from_utf8(data) {
            Ok(text) => Self::Str(text),
            Err(_) => Self::Blob(kind::STRING, data),
        }
    }

    pub(crate) fn geo(data: &'a [u8]) -> Self {
        match std::str::from_utf8(data) {
            Ok(text) => Self::Geo(text),
            Err(_) => Self::Blob(kind::GEOJSON, data),
        }
    }

    /// Reads a particle: the type and bytes of a bin.
    ///
    /// # Errors
    /// When the bytes do not fit the type.
    #[inline]
    pub fn from_particle(kind: u8, data: &'a [u8]) -> crate::Result<Self> {
        Ok(match (kind, data.len()) {
            (kind::INTEGER, 8) => Self::Int(i64::from_be_bytes(fixed(data))),
            (kind::INTEGER, 1..8) => Self::Int(
                data.iter()
                    .fold(0u64, |n, b| n << 8 | u64::from(*b))
                    .cast_signed(),
            ),
            (kind::FLOAT, 8) => Self::Float(f64::from_be_bytes(fixed(data))),
            (kind::BOOL, 1) => Self::Bool(data[0] != 0),
            (kind::NIL, _) => Self::Nil,
            (kind::STRING, _) => Self::text(data),
            (kind::LIST, _) => Self::List(List::new(data)?),
            (kind::MAP, _) => Self::Map(Map::new(data)?),
            (kind::HLL, _) => Self::Hll(data),
            (kind::GEOJSON, 3..) => {
                let cells = usize::from(u16::from_be_bytes([data[1], data[2]]));
                Self::geo(data.get(3 + cells * 8..).unwrap_or_default())
            }
            (kind::INTEGER | kind::FLOAT | kind::BOOL | kind::GEOJSON, n) => {
                return Err(crate::Error::new(format!(
                    "a particle of type {} cannot be {n} bytes long",
                    kind::name(kind)
                )));
            }
            (kind, _) => Self::Blob(kind, data),
        })
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

    /// The order of map keys: by type (nil, boolean, integer, string, list, map, blob, float,
    /// geojson), then by content.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        fn rank(v: &ValueRef<'_>) -> u8 {
            match v {
                ValueRef::Nil => 1,
                ValueRef::Bool(_) => 2,
                ValueRef::Int(_) => 3,
                ValueRef::Str(_) => 4,
                ValueRef::List(_) => 5,
                ValueRef::Map(_) => 6,
                ValueRef::Blob(..) | ValueRef::Hll(_) => 7,
                ValueRef::Float(_) => 8,
                ValueRef::Geo(_) => 9,
            }
        }
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Str(a), Self::Str(b)) | (Self::Geo(a), Self::Geo(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Blob(_, a) | Self::Hll(a), Self::Blob(_, b) | Self::Hll(b)) => a.cmp(b),
            // Keys that are collections: rare enough to order by their packed bytes.
            (Self::List(a), Self::List(b)) => a.as_packed().cmp(b.as_packed()),
            (Self::Map(a), Self::Map(b)) => a.as_packed().cmp(b.as_packed()),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

fn fixed(data: &[u8]) -> [u8; 8] {
    data.first_chunk().copied().unwrap_or_default()
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
