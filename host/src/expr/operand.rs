//! Values while an expression is evaluated: borrowed from the record or the expression.

use std::borrow::Cow;

use bytes::Bytes;

use super::kind::Kind;
use crate::model::msgpack::{Item, Reader, geo_text};
use crate::model::{Particle, ParticleType, Value};

/// A value that is not copied unless an operation made it.
#[derive(Clone, Debug)]
pub(super) enum Operand<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a [u8]),
    Blob(ParticleType, &'a [u8]),
    /// Packed; owned when an operation built it.
    List(Cow<'a, [u8]>),
    /// Packed.
    Map(&'a [u8]),
    /// The JSON text.
    Geo(&'a [u8]),
    Hll(&'a [u8]),
}

impl<'a> Operand<'a> {
    /// Reads a bin's particle; `None` when its bytes are not of its type.
    pub(super) fn from_particle(p: Particle<'a>) -> Option<Self> {
        Some(match p.kind {
            ParticleType::INTEGER => Self::Int(p.as_int()?),
            ParticleType::STRING => Self::Str(p.data),
            ParticleType::FLOAT => Self::Float(p.as_float()?),
            ParticleType::BOOL => Self::Bool(p.as_bool()?),
            ParticleType::LIST => Self::List(Cow::Borrowed(p.data)),
            ParticleType::MAP => Self::Map(p.data),
            ParticleType::GEOJSON => Self::Geo(geo_text(p.data)),
            ParticleType::HLL => Self::Hll(p.data),
            kind if kind.is_storable() => Self::Blob(kind, p.data),
            _ => return None,
        })
    }

    /// Borrows a literal.
    pub(super) fn from_value(value: &'a Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(*f),
            Value::Str(b) => Self::Str(b),
            Value::Blob(kind, b) => Self::Blob(*kind, b),
            Value::List(b) => Self::List(Cow::Borrowed(b)),
            Value::Map(b) => Self::Map(b),
            Value::Geo(b) => Self::Geo(geo_text(b)),
            Value::Hll(b) => Self::Hll(b),
        }
    }

    /// Reads the next element of a packed collection; collections in it stay packed.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut ahead = reader.clone();
        let operand = match ahead.item().ok()? {
            Item::List(_) => return Some(Self::List(Cow::Borrowed(reader.skip().ok()?))),
            Item::Map(_) => return Some(Self::Map(reader.skip().ok()?)),
            Item::Nil | Item::Ext(..) => Self::Nil,
            Item::Bool(b) => Self::Bool(b),
            Item::Int(i) => Self::Int(i),
            Item::UInt(u) => Self::Int(u as i64),
            Item::Float(f) => Self::Float(f),
            Item::Bytes(ParticleType::STRING, b) => Self::Str(b),
            Item::Bytes(ParticleType::GEOJSON, b) => Self::Geo(b),
            Item::Bytes(ParticleType::HLL, b) => Self::Hll(b),
            Item::Bytes(kind, b) => Self::Blob(kind, b),
        };
        *reader = ahead;
        Some(operand)
    }

    /// The value on its own.
    pub(super) fn to_value(&self) -> Value {
        let copy = Bytes::copy_from_slice;
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Str(b) => Value::Str(copy(b)),
            Self::Blob(kind, b) => Value::Blob(*kind, copy(b)),
            Self::List(b) => Value::List(copy(b)),
            Self::Map(b) => Value::Map(copy(b)),
            // A particle's flags and cell count, without cells, come before the text.
            Self::Geo(text) => Value::Geo([&[0, 0, 0], *text].concat().into()),
            Self::Hll(b) => Value::Hll(copy(b)),
        }
    }

    /// The value's type.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Nil,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Str(_) => Kind::Str,
            Self::Blob(..) => Kind::Blob,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Geo(_) => Kind::Geo,
            Self::Hll(_) => Kind::Hll,
        }
    }
}
