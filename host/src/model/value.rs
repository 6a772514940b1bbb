//! The one value type of the project.

use bytes::Bytes;

use super::{Error, Particle, ParticleType, Result, ResultCode, msgpack};

/// A value of a bin, an argument or a result.
///
/// Lists and maps stay in their packed MessagePack form until somebody looks inside; see
/// [`msgpack`] for readers and builders. Two of them are equal if their elements or entries are, in
/// whichever order a map has its own and whatever it says of that.
///
/// ```
/// use petrel::model::Value;
///
/// let ordered = Value::map([("a".into(), 1.into()), ("b".into(), 2.into())]);
/// let plain = Value::Map(b"\x82\xa2\x03b\x02\xa2\x03a\x01"[..].into());
/// assert_eq!(ordered, plain);
/// ```
#[derive(Clone, Debug)]
pub enum Value {
    /// No value; written to a bin, it removes the bin.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float.
    Float(f64),
    /// A string, UTF-8 by convention.
    Str(Bytes),
    /// Bytes, with the particle type the client gave them ([`ParticleType::BLOB`] for plain ones).
    Blob(ParticleType, Bytes),
    /// A list, packed.
    List(Bytes),
    /// A map, packed.
    Map(Bytes),
    /// GeoJSON in its particle form: flags byte, cell count (u16 BE), cells, then the JSON text.
    Geo(Bytes),
    /// A HyperLogLog sketch.
    Hll(Bytes),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Blob(a_kind, a), Self::Blob(b_kind, b)) => a_kind == b_kind && a == b,
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) => {
                msgpack::compare(self, other).is_eq()
            }
            (Self::Geo(a), Self::Geo(b)) | (Self::Hll(a), Self::Hll(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// The particle type of the value.
    pub fn kind(&self) -> ParticleType {
        match self {
            Self::Nil => ParticleType::NULL,
            Self::Bool(_) => ParticleType::BOOL,
            Self::Int(_) => ParticleType::INTEGER,
            Self::Float(_) => ParticleType::FLOAT,
            Self::Str(_) => ParticleType::STRING,
            Self::Blob(kind, _) => *kind,
            Self::List(_) => ParticleType::LIST,
            Self::Map(_) => ParticleType::MAP,
            Self::Geo(_) => ParticleType::GEOJSON,
            Self::Hll(_) => ParticleType::HLL,
        }
    }

    /// Reads a particle; lists, maps, strings and blobs keep `data` without a copy.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] for an unknown type or a wrong length.
    pub fn from_particle(kind: ParticleType, data: Bytes) -> Result<Self> {
        let p = Particle::new(kind, &data);
        let bad = || {
            Error::new(
                ResultCode::ParameterError,
                format!(
                    "a particle of type {kind:?} cannot be {} bytes long",
                    data.len()
                ),
            )
        };
        Ok(match kind {
            ParticleType::NULL => Self::Nil,
            ParticleType::INTEGER => Self::Int(p.as_int().ok_or_else(bad)?),
            ParticleType::FLOAT => Self::Float(p.as_float().ok_or_else(bad)?),
            ParticleType::BOOL => Self::Bool(p.as_bool().ok_or_else(bad)?),
            ParticleType::STRING => Self::Str(data),
            ParticleType::LIST => Self::List(data),
            ParticleType::MAP => Self::Map(data),
            ParticleType::GEOJSON => Self::Geo(data),
            ParticleType::HLL => Self::Hll(data),
            kind if kind.is_storable() => Self::Blob(kind, data),
            kind => {
                return Err(Error::new(
                    ResultCode::ParameterError,
                    format!("unknown particle type {}", kind.0),
                ));
            }
        })
    }

    /// Bytes that it has outside of itself.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Float(_) => 0,
            Self::Str(b)
            | Self::Blob(_, b)
            | Self::List(b)
            | Self::Map(b)
            | Self::Geo(b)
            | Self::Hll(b) => b.len(),
        }
    }

    /// Appends the particle's bytes to `out` (nothing for nil).
    pub fn write_particle(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => {}
            Self::Bool(b) => out.push(u8::from(*b)),
            Self::Int(i) => out.extend_from_slice(&i.to_be_bytes()),
            Self::Float(f) => out.extend_from_slice(&f.to_be_bytes()),
            Self::Str(b)
            | Self::Blob(_, b)
            | Self::List(b)
            | Self::Map(b)
            | Self::Geo(b)
            | Self::Hll(b) => {
                out.extend_from_slice(b);
            }
        }
    }

    /// A list of values.
    pub fn list<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Value>,
        I::IntoIter: ExactSizeIterator,
    {
        Self::List(msgpack::pack_list(items).into())
    }

    /// A map, its entries ordered by key as every server-side map is.
    pub fn map<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Self {
        Self::Map(msgpack::pack_map(entries).into())
    }

    /// The text of a string value, if this is valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(b) => std::str::from_utf8(b).ok(),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Str(Bytes::copy_from_slice(v.as_bytes()))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Str(v.into())
    }
}
impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Self {
        Self::Blob(ParticleType::BLOB, v.into())
    }
}
impl From<Vec<Value>> for Value {
    fn from(v: Vec<Value>) -> Self {
        Self::list(v)
    }
}
