//! Keys and digests: how a record is named.

use bytes::Bytes;
use ripemd::{Digest as _, Ripemd160};

use super::{Error, Particle, ParticleType, Result, ResultCode, Value};

/// How many partitions a namespace has.
pub const PARTITIONS: usize = 4096;

/// A partition of a namespace, 0 to 4095.
pub type PartitionId = u16;

/// The 20-byte name of a record: RIPEMD-160 over set name, key type byte and key bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 20]);

impl Digest {
    /// The digest of a user key in a set.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when the key is not an integer, string or blob.
    pub fn of(set: &str, key: &Value) -> Result<Self> {
        let mut hash = Ripemd160::new();
        hash.update(set.as_bytes());
        match key {
            Value::Int(i) => {
                hash.update([ParticleType::INTEGER.0]);
                hash.update(i.to_be_bytes());
            }
            Value::Str(s) => {
                hash.update([ParticleType::STRING.0]);
                hash.update(s);
            }
            Value::Blob(kind, b) => {
                hash.update([kind.0]);
                hash.update(b);
            }
            other => {
                return Err(Error::new(
                    ResultCode::ParameterError,
                    format!(
                        "a key is an integer, a string or a blob, not a {}",
                        other.kind().name()
                    ),
                ));
            }
        }
        Ok(Self(hash.finalize().into()))
    }

    /// The partition that holds the record: the low 12 bits of the first two bytes, little-endian.
    pub fn partition(&self) -> PartitionId {
        u16::from_le_bytes([self.0[0], self.0[1]]) & 0x0FFF
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Where a record lives: namespace, set, digest, and the user key when the caller gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Namespace name.
    pub namespace: String,
    /// Set name; empty for the null set.
    pub set: String,
    /// The record's digest.
    pub digest: Digest,
    /// The user key, if known.
    pub user_key: Option<Value>,
}

impl Key {
    /// The key of `user_key` in `namespace` and `set`.
    ///
    /// ```
    /// let key = petrel::model::Key::new("test", "users", 1)?;
    /// assert_eq!(format!("{:?}", key.digest), "3921e84015258aed3b93d7ef5770cd27b9bb4167");
    /// assert_eq!(key.digest.partition(), 313);
    /// # Ok::<(), petrel::model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when the key is not an integer, string or blob.
    pub fn new(namespace: &str, set: &str, user_key: impl Into<Value>) -> Result<Self> {
        let user_key = user_key.into();
        Ok(Self {
            namespace: namespace.into(),
            set: set.into(),
            digest: Digest::of(set, &user_key)?,
            user_key: Some(user_key),
        })
    }
}

/// The value of a particle, its bytes copied.
impl TryFrom<Particle<'_>> for Value {
    type Error = Error;

    fn try_from(p: Particle<'_>) -> Result<Self> {
        Value::from_particle(p.kind, Bytes::copy_from_slice(p.data))
    }
}
