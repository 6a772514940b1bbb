//! Records in their packed form: one allocation holds the user key and every bin.

use std::sync::Arc;

use petrel_packed::pack_bin;

use super::{Bins, MAX_BIN_NAME, Particle, ParticleType};

/// A bin name, held inline: 1 to [`MAX_BIN_NAME`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BinName {
    len: u8,
    bytes: [u8; MAX_BIN_NAME],
}

impl BinName {
    /// A name, or `None` when it is empty or too long.
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name.len() > MAX_BIN_NAME {
            return None;
        }
        let mut bytes = [0; MAX_BIN_NAME];
        bytes[..name.len()].copy_from_slice(name);
        Some(Self {
            len: name.len() as u8,
            bytes,
        })
    }

    /// The name's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for BinName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

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

impl Meta {
    /// Whether the record's time is over at `now`, in seconds since 2010-01-01 UTC.
    pub fn is_expired(&self, now: u32) -> bool {
        self.void_time != 0 && self.void_time < now
    }
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
/// bin as `name_len: u8, type: u8, data_len: u32 LE, name, data` ([`Bins`]), as it crosses
/// into Wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(Arc<[u8]>);

impl Body {
    /// Takes bytes in the layout above, as a store reads them back.
    ///
    /// Returns `None` when the bytes are not a whole, well-formed body.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key_len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let mut bins = Bins::new(bytes.get(4..)?.get(key_len..)?);
        bins.by_ref().for_each(drop);
        bins.rest().is_empty().then(|| Self(bytes.into()))
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
        Bins::new(self.bin_bytes())
    }

    /// The particle of a bin.
    pub fn bin(&self, name: &[u8]) -> Option<Particle<'_>> {
        self.bins().find(|(n, _)| *n == name).map(|(_, p)| p)
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
        pack_bin(name, particle, &mut self.buf);
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
