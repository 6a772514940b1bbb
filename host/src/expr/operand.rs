//! Values while an expression is evaluated: borrowed from the record or the expression.

use std::borrow::Cow;

use super::kind::Kind;
use crate::model::msgpack::{Element, Reader, geo_text};
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
        reader.element().ok().map(Self::from)
    }

    /// The value as an element of a collection.
    pub(super) fn as_element(&self) -> Element<'_> {
        match self {
            Self::Nil => Element::Nil,
            Self::Bool(b) => Element::Bool(*b),
            Self::Int(i) => Element::Int(*i),
            Self::Float(f) => Element::Float(*f),
            Self::Str(b) => Element::Bytes(ParticleType::STRING, b),
            Self::Blob(kind, b) => Element::Bytes(*kind, b),
            Self::List(b) => Element::List(b),
            Self::Map(b) => Element::Map(b),
            Self::Geo(text) => Element::Bytes(ParticleType::GEOJSON, text),
            Self::Hll(b) => Element::Bytes(ParticleType::HLL, b),
        }
    }

    /// The value on its own.
    pub(super) fn to_value(&self) -> Value {
        self.as_element().into()
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

impl<'a> From<Element<'a>> for Operand<'a> {
    #[inline]
    fn from(element: Element<'a>) -> Self {
        match element {
            Element::Nil => Self::Nil,
            Element::Bool(b) => Self::Bool(b),
            Element::Int(i) => Self::Int(i),
            Element::Float(f) => Self::Float(f),
            Element::Bytes(ParticleType::STRING, b) => Self::Str(b),
            Element::Bytes(ParticleType::GEOJSON, b) => Self::Geo(b),
            Element::Bytes(ParticleType::HLL, b) => Self::Hll(b),
            Element::Bytes(kind, b) => Self::Blob(kind, b),
            Element::List(b) => Self::List(Cow::Borrowed(b)),
            Element::Map(b) => Self::Map(b),
        }
    }
}
