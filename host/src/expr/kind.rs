//! The types of expressions, where they are known before a record is seen.

use std::fmt;

use crate::model::{ParticleType, Value};

/// A type as the protocol's expressions number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nil, 0.
    Nil,
    /// Boolean, 1.
    Bool,
    /// Integer, 2.
    Int,
    /// String, 3.
    Str,
    /// List, 4.
    List,
    /// Map, 5.
    Map,
    /// Blob, 6.
    Blob,
    /// Float, 7.
    Float,
    /// GeoJSON, 8.
    Geo,
    /// HyperLogLog, 9.
    Hll,
}

impl Kind {
    /// From the number on the wire.
    pub(super) fn from_wire(n: i64) -> Option<Self> {
        Some(match n {
            0 => Self::Nil,
            1 => Self::Bool,
            2 => Self::Int,
            3 => Self::Str,
            4 => Self::List,
            5 => Self::Map,
            6 => Self::Blob,
            7 => Self::Float,
            8 => Self::Geo,
            9 => Self::Hll,
            _ => return None,
        })
    }

    /// From the name that the text form's `get(type: …)` uses.
    pub(super) fn from_text(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Self::Bool,
            "INT" => Self::Int,
            "STRING" => Self::Str,
            "LIST" => Self::List,
            "MAP" => Self::Map,
            "BLOB" => Self::Blob,
            "FLOAT" => Self::Float,
            "GEO" => Self::Geo,
            "HLL" => Self::Hll,
            _ => return None,
        })
    }

    /// The type of a literal.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Str(_) => Self::Str,
            Value::Blob(..) => Self::Blob,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            Value::Geo(_) => Self::Geo,
            Value::Hll(_) => Self::Hll,
        }
    }

    /// Whether a particle of `particle` type is of this type.
    pub(super) fn holds(self, particle: ParticleType) -> bool {
        match self {
            Self::Nil => particle == ParticleType::NULL,
            Self::Bool => particle == ParticleType::BOOL,
            Self::Int => particle == ParticleType::INTEGER,
            Self::Str => particle == ParticleType::STRING,
            Self::List => particle == ParticleType::LIST,
            Self::Map => particle == ParticleType::MAP,
            Self::Blob => matches!(particle.0, 4 | 7..=12),
            Self::Float => particle == ParticleType::FLOAT,
            Self::Geo => particle == ParticleType::GEOJSON,
            Self::Hll => particle == ParticleType::HLL,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nil => "nil",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Str => "string",
            Self::List => "list",
            Self::Map => "map",
            Self::Blob => "blob",
            Self::Float => "float",
            Self::Geo => "geojson",
            Self::Hll => "hll",
        })
    }
}
