//! Records in their packed form: one allocation holds the user key and every bin.

use std::sync::Arc;

use super::{Particle, ParticleType};

/// The longest bin name, in bytes (protocol limit).
pub const MAX_BIN_NAME: usize = 15;

/// What the host knows of a record beside its bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Meta {
    /// Counts the record's writes, from 1; wraps past 65535 to 1.
    pub generation: u16,
    /// The set, as interned by the namespace; 0 is the null set.
    pub set: u16,
    /// When the record expires, in seconds since 2010-01-01 UTC; 0 for never.
    pub void_time: u32,
    /// Last write, in milliseconds since 2010-01-01 UTC.
    pub last_update: u64,
}

/// A stored record: its metadata and its packed body.
#[derive(Clone, Debug)]
pub struct Record {
    /// Generation, set, expiry and last update.
    pub meta: Meta,
    /// User key and bins.
    pub body: Body,
}

/// Packed user key and bins, immutable and shared.
///
/// Layout: `key_len: u32 LE` (0 for none, else type byte + key bytes), the key, then each
/// bin as `name_len: u8, type: u8, data_len: u32 LE, name, data`. The bins part is the same
/// layout that crosses into Wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(Arc<[u8]>);

impl Body {
    /// Takes bytes in the layout above, as a store reads them back.
    ///
    /// Returns `None` when the bytes are not a whole, well-formed body.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key_len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let mut rest = bytes.get(4..)?.get(key_len..)?;
        while !rest.is_empty() {
            let len = u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?) as usize;
            rest = rest.get(6 + usize::from(rest[0]) + len..)?;
        }
        Some(Self(bytes.into()))
    }

    /// The whole body, for a store to write.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn key_len(&self) -> usize {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]) as usize
    }

    /// The user key, if the record stores it.
    pub fn user_key(&self) -> Option<Particle<'_>> {
        let n = self.key_len();
        (n > 0).then(|| Particle::new(ParticleType(self.0[4]), &self.0[5..4 + n]))
    }

    /// The packed bins, without the key.
    pub fn bin_bytes(&self) -> &[u8] {
        &self.0[4 + self.key_len()..]
    }

    /// The bins in stored order.
    pub fn bins(&self) -> Bins<'_> {
        Bins {
            rest: self.bin_bytes(),
        }
    }

    /// The particle of a bin.
    pub fn bin(&self, name: &[u8]) -> Option<Particle<'_>> {
        self.bins().find(|(n, _)| *n == name).map(|(_, p)| p)
    }
}

/// Iterates packed bins as `(name, particle)`.
#[derive(Clone, Debug)]
pub struct Bins<'a> {
    rest: &'a [u8],
}

impl<'a> Bins<'a> {
    /// Iterates bytes in the packed bin layout; stops at the first malformed bin.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Bins<'a> {
    type Item = (&'a [u8], Particle<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let head = self.rest.first_chunk::<6>()?;
        let name_end = 6 + usize::from(head[0]);
        let end = name_end + u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
        let bin = self.rest.get(..end)?;
        self.rest = &self.rest[end..];
        Some((
            &bin[6..name_end],
            Particle::new(ParticleType(head[1]), &bin[name_end..]),
        ))
    }
}

/// Writes a [`Body`], reusing one buffer.
#[derive(Debug, Default)]
pub struct BodyBuilder {
    buf: Vec<u8>,
}

impl BodyBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a body, with the user key to store, if any.
    pub fn start(&mut self, user_key: Option<Particle<'_>>) {
        self.buf.clear();
        match user_key {
            Some(key) => {
                self.buf
                    .extend_from_slice(&(key.data.len() as u32 + 1).to_le_bytes());
                self.buf.push(key.kind.0);
                self.buf.extend_from_slice(key.data);
            }
            None => self.buf.extend_from_slice(&[0; 4]),
        }
    }

    /// Appends a bin. The caller keeps names unique and at most [`MAX_BIN_NAME`] long.
    pub fn bin(&mut self, name: &[u8], particle: Particle<'_>) {
        self.buf.push(name.len() as u8);
        self.buf.push(particle.kind.0);
        self.buf
            .extend_from_slice(&(particle.data.len() as u32).to_le_bytes());
        self.buf.extend_from_slice(name);
        self.buf.extend_from_slice(particle.data);
    }

    /// The finished body.
    pub fn finish(&self) -> Body {
        Body(self.buf.as_slice().into())
    }

    /// How many bytes the body has so far.
    pub fn len(&self) -> usize {
        self.buf.len()
    }

    /// Whether nothing was started yet.
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }
}
