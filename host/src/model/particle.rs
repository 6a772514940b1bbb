//! Particles: the typed bytes of a bin, exactly as the wire and the store hold them.

/// The one-byte type of a particle on the wire (protocol message, bin data type).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticleType(pub u8);

#[allow(missing_docs)]
impl ParticleType {
    pub const NULL: Self = Self(0);
    pub const INTEGER: Self = Self(1);
    pub const FLOAT: Self = Self(2);
    pub const STRING: Self = Self(3);
    pub const BLOB: Self = Self(4);
    pub const JAVA_BLOB: Self = Self(7);
    pub const CSHARP_BLOB: Self = Self(8);
    pub const PYTHON_BLOB: Self = Self(9);
    pub const RUBY_BLOB: Self = Self(10);
    pub const PHP_BLOB: Self = Self(11);
    pub const ERLANG_BLOB: Self = Self(12);
    pub const VECTOR: Self = Self(13);
    pub const BOOL: Self = Self(17);
    pub const HLL: Self = Self(18);
    pub const MAP: Self = Self(19);
    pub const LIST: Self = Self(20);
    pub const GEOJSON: Self = Self(23);

    /// The field's name of this type, for error texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::NULL => "nil",
            Self::INTEGER => "integer",
            Self::FLOAT => "float",
            Self::STRING => "string",
            Self::BOOL => "boolean",
            Self::HLL => "hll",
            Self::MAP => "map",
            Self::LIST => "list",
            Self::GEOJSON => "geojson",
            Self::VECTOR => "vector",
            Self(4 | 7..=12) => "blob",
            _ => "unknown",
        }
    }

    /// Whether a record may hold a particle of this type.
    pub fn is_storable(self) -> bool {
        matches!(self.0, 1..=4 | 7..=13 | 17..=20 | 23)
    }
}

impl std::fmt::Debug for ParticleType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// A borrowed particle: its type and its bytes, not yet looked into.
///
/// Integers and floats are 8 bytes big-endian, booleans 1 byte, strings UTF-8 by
/// convention, lists and maps MessagePack (see [`super::msgpack`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Particle<'a> {
    /// What the bytes mean.
    pub kind: ParticleType,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> Particle<'a> {
    /// A particle of `kind` over `data`.
    pub fn new(kind: ParticleType, data: &'a [u8]) -> Self {
        Self { kind, data }
    }

    /// The integer, if this is one. Short big-endian forms (1 to 8 bytes) are accepted.
    pub fn as_int(&self) -> Option<i64> {
        if self.kind != ParticleType::INTEGER {
            return None;
        }
        match self.data.len() {
            8 => Some(i64::from_be_bytes(self.data.try_into().ok()?)),
            n @ 1..8 => {
                let mut wide = [0u8; 8];
                wide[8 - n..].copy_from_slice(self.data);
                Some(i64::from_be_bytes(wide))
            }
            _ => None,
        }
    }

    /// The float, if this is one.
    pub fn as_float(&self) -> Option<f64> {
        (self.kind == ParticleType::FLOAT)
            .then(|| self.data.try_into().ok().map(f64::from_be_bytes))
            .flatten()
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind == ParticleType::BOOL && self.data.len() == 1).then(|| self.data[0] != 0)
    }

    /// The bytes of a string, if this is one.
    pub fn as_str_bytes(&self) -> Option<&'a [u8]> {
        (self.kind == ParticleType::STRING).then_some(self.data)
    }
}
