//! Particles: the bytes of values as the Aerospike protocol gives them to bins.

use alloc::vec::Vec;
use core::fmt;

/// The type of a value on the wire and in a record (the protocol's particle or data type).
///
/// ```
/// use petrel_packed::ParticleType;
///
/// assert_eq!(ParticleType::LIST, ParticleType(20));
/// assert_eq!(ParticleType::LIST.name(), "list");
/// ```
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
    #[inline]
    pub fn is_storable(self) -> bool {
        matches!(self.0, 1..=4 | 7..=13 | 17..=20 | 23)
    }
}

impl fmt::Debug for ParticleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// A borrowed particle: its type and its bytes, not yet looked into.
///
/// Integers and floats are 8 bytes big-endian, booleans 1 byte, strings UTF-8 by
/// convention, lists and maps MessagePack (see [`Reader`](crate::Reader)).
///
/// ```
/// use petrel_packed::{Particle, ParticleType};
///
/// let particle = Particle::new(ParticleType::INTEGER, &[0, 0, 0, 0, 0, 0, 1, 0]);
/// assert_eq!((particle.as_int(), particle.as_float()), (Some(256), None));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Particle<'a> {
    /// What the bytes mean.
    pub kind: ParticleType,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> Particle<'a> {
    /// A particle of `kind` over `data`.
    #[inline]
    pub fn new(kind: ParticleType, data: &'a [u8]) -> Self {
        Self { kind, data }
    }

    /// The integer, if this is one. Short big-endian forms (1 to 8 bytes) are accepted.
    #[inline]
    pub fn as_int(&self) -> Option<i64> {
        if self.kind != ParticleType::INTEGER {
            return None;
        }
        match self.data.len() {
            8 => Some(i64::from_be_bytes(self.data.try_into().ok()?)),
            1..8 => {
                let wide = self.data.iter().fold(0, |n, b| n << 8 | u64::from(*b));
                Some(wide.cast_signed())
            }
            _ => None,
        }
    }

    /// The float, if this is one.
    #[inline]
    pub fn as_float(&self) -> Option<f64> {
        (self.kind == ParticleType::FLOAT)
            .then(|| self.data.try_into().ok().map(f64::from_be_bytes))
            .flatten()
    }

    /// The boolean, if this is one.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self {
                kind: ParticleType::BOOL,
                data: [b],
            } => Some(*b != 0),
            _ => None,
        }
    }

    /// The bytes of a string, if this is one.
    #[inline]
    pub fn as_str_bytes(&self) -> Option<&'a [u8]> {
        (self.kind == ParticleType::STRING).then_some(self.data)
    }
}

/// Appends GeoJSON text as a bin's particle holds it: flags, no cells, then the text.
///
/// ```
/// use petrel_packed::{geo_particle, geo_text};
///
/// let mut particle = Vec::new();
/// geo_particle(b"{}", &mut particle);
/// assert_eq!(particle, b"\0\0\0{}");
/// assert_eq!(geo_text(&particle), b"{}");
/// ```
pub fn geo_particle(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 3]);
    out.extend_from_slice(text);
}

/// The JSON text of a GeoJSON particle, past its flags and cells; empty when it is cut off.
/// See [`geo_particle`].
pub fn geo_text(particle: &[u8]) -> &[u8] {
    let cells = match particle {
        [_, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    particle.get(3 + cells * 8..).unwrap_or_default()
}
