//! One value of a packed list or map.

use alloc::vec::Vec;

use crate::{ParticleType, pack_bool, pack_bytes, pack_float, pack_int, pack_nil};

/// A value inside a list or map, in place: scalars are read, collections stay packed.
///
/// ```
/// use petrel_packed::{Element, ParticleType, Reader};
///
/// let mut packed = Vec::new();
/// Element::Bytes(ParticleType::STRING, b"ada").pack(&mut packed);
/// Element::List(&[0x91, 7]).pack(&mut packed);
///
/// let mut reader = Reader::new(&packed);
/// assert_eq!(reader.element(), Ok(Element::Bytes(ParticleType::STRING, b"ada")));
/// assert_eq!(reader.element(), Ok(Element::List(&[0x91, 7])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element<'a> {
    /// Nil.
    Nil,
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Float.
    Float(f64),
    /// A string, GeoJSON text, a sketch or a blob, by its particle type.
    Bytes(ParticleType, &'a [u8]),
    /// A list, packed.
    List(&'a [u8]),
    /// A map, packed.
    Map(&'a [u8]),
}

impl Element<'_> {
    /// Appends the value.
    #[inline]
    pub fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => pack_nil(out),
            Self::Bool(b) => pack_bool(*b, out),
            Self::Int(i) => pack_int(*i, out),
            Self::Float(f) => pack_float(*f, out),
            Self::Bytes(kind, b) => pack_bytes(*kind, b, out),
            Self::List(b) | Self::Map(b) => out.extend_from_slice(b),
        }
    }
}
