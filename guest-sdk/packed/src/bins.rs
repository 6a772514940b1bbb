//! The layout of bins, in stored records and in those that cross into Wasm.

use alloc::vec::Vec;

use crate::{Cut, Fields, Particle, ParticleType};

/// What a bin begins with; its name and its data follow.
///
/// ```
/// use petrel_packed::{BinHead, Fields, ParticleType};
///
/// let head = BinHead { name: 1, kind: ParticleType::BOOL, data: 1 };
/// assert_eq!(head.to_bytes(), [1, 17, 1, 0, 0, 0]);
/// assert_eq!(BinHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinHead {
    /// How long the name is.
    pub name: u8,
    /// The particle's type.
    pub kind: ParticleType,
    /// How long the data is.
    pub data: u32,
}

impl BinHead {
    /// Its size in bytes.
    pub const SIZE: usize = 6;

    /// Reads it.
    ///
    /// # Errors
    /// [`Cut`] when there are fewer bytes.
    #[inline]
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        fields.array().map(Self::from_bytes)
    }

    #[inline]
    fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let [name, kind, data @ ..] = *bytes;
        Self {
            name,
            kind: ParticleType(kind),
            data: u32::from_le_bytes(data),
        }
    }

    /// The bytes that [`BinHead::read`] reads.
    #[inline]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let [a, b, c, d] = self.data.to_le_bytes();
        [self.name, self.kind.0, a, b, c, d]
    }
}

/// Appends a bin. The name is at most [`MAX_BIN_NAME`](crate::MAX_BIN_NAME) bytes long, which
/// is the caller's to see to; more than 255 are cut off.
///
/// ```
/// use petrel_packed::{Particle, ParticleType, pack_bin};
///
/// let mut packed = Vec::new();
/// pack_bin(b"b", Particle::new(ParticleType::BOOL, &[1]), &mut packed);
/// assert_eq!(packed, [1, 17, 1, 0, 0, 0, b'b', 1]);
/// ```
#[inline]
pub fn pack_bin(name: &[u8], particle: Particle<'_>, out: &mut Vec<u8>) {
    let name = name.get(..255).unwrap_or(name);
    let head = BinHead {
        name: name.len() as u8,
        kind: particle.kind,
        data: particle.data.len() as u32,
    };
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(particle.data);
}

/// Iterates packed bins as `(name, particle)`, in stored order; stops at the first malformed
/// bin.
///
/// ```
/// use petrel_packed::{Bins, Particle, ParticleType, pack_bin};
///
/// let particle = Particle::new(ParticleType::BLOB, &[1, 2, 3]);
/// let mut packed = Vec::new();
/// pack_bin(b"b", particle, &mut packed);
/// assert_eq!(Bins::new(&packed).next(), Some((&b"b"[..], particle)));
/// ```
#[derive(Clone, Debug)]
pub struct Bins<'a> {
    rest: &'a [u8],
}

impl<'a> Bins<'a> {
    /// Iterates bytes in the packed bin layout.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not iterated yet: after the last bin nothing, if all were well-formed.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Bins<'a> {
    type Item = (&'a [u8], Particle<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let head = BinHead::from_bytes(self.rest.first_chunk()?);
        let name_end = BinHead::SIZE + usize::from(head.name);
        let end = name_end.checked_add(head.data as usize)?;
        let bin = self.rest.get(..end)?;
        let (name, data) = (bin.get(BinHead::SIZE..name_end)?, bin.get(name_end..)?);
        self.rest = self.rest.get(end..)?;
        Some((name, Particle::new(head.kind, data)))
    }
}
