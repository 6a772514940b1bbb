//! How records look in the database.
//!
//! Key, 22 bytes: partition (`u16` big-endian), digest; so a partition is one range, in
//! digest order. Value: version `u64`, last update `u64`, void time `u32`, generation `u16`,
//! set `u16`, all little-endian, then the body as [`Body`] packs it.

use crate::model::{Body, Digest, Meta, PartitionId, Record};

use super::super::{Version, Versioned};

/// Version of the layouts in this file and of the key names in `database`.
pub(super) const FORMAT: u32 = 1;

const KEY: usize = 22;
const HEAD: usize = 24;

pub(super) fn key(digest: &Digest) -> [u8; KEY] {
    key_in(digest.partition(), digest)
}

/// A key that bounds a range; the digest need not be of the partition.
pub(super) fn key_in(partition: PartitionId, digest: &Digest) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..2].copy_from_slice(&partition.to_be_bytes());
    key[2..].copy_from_slice(&digest.0);
    key
}

/// The digest a key names, if the key is one that [`key`] makes.
pub(super) fn digest(key: &[u8]) -> Option<Digest> {
    let digest = Digest(key.get(2..)?.try_into().ok()?);
    (key[..2] == digest.partition().to_be_bytes()).then_some(digest)
}

pub(super) fn value(version: u64, record: &Record) -> Vec<u8> {
    let body = record.body.as_bytes();
    let meta = &record.meta;
    let mut out = Vec::with_capacity(HEAD + body.len());
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&meta.last_update.to_le_bytes());
    out.extend_from_slice(&meta.void_time.to_le_bytes());
    out.extend_from_slice(&meta.generation.to_le_bytes());
    out.extend_from_slice(&meta.set.to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// What a commit needs to know of a stored value, without a look at its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) meta: Meta,
    pub(super) body_len: usize,
}

/// Says what is wrong with a stored value.
pub(super) type Damage = &'static str;

pub(super) fn head(value: &[u8]) -> Result<Head, Damage> {
    fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], Damage> {
        let (field, rest) = from
            .split_first_chunk::<N>()
            .ok_or("its value is shorter than a record's metadata")?;
        *from = rest;
        Ok(*field)
    }
    let mut rest = value;
    let version = u64::from_le_bytes(take(&mut rest)?);
    let last_update = u64::from_le_bytes(take(&mut rest)?);
    let void_time = u32::from_le_bytes(take(&mut rest)?);
    let generation = u16::from_le_bytes(take(&mut rest)?);
    let set = u16::from_le_bytes(take(&mut rest)?);
    Ok(Head {
        version,
        meta: Meta {
            generation,
            set,
            void_time,
            last_update,
        },
        body_len: rest.len(),
    })
}

pub(super) fn versioned(value: &[u8]) -> Result<Versioned, Damage> {
    let head = head(value)?;
    let body = Body::from_bytes(&value[HEAD..]).ok_or("its packed bins are malformed")?;
    Ok(Versioned {
        record: Record {
            meta: head.meta,
            body,
        },
        version: Version(head.version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BodyBuilder;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was(
            version: u64, generation: u16, set: u16, void_time: u32, last_update: u64,
            data in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut body = BodyBuilder::new();
            body.start(None);
            body.bin(b"b", crate::model::Particle::new(crate::model::ParticleType(4), &data));
            let meta = Meta { generation, set, void_time, last_update };
            let record = Record { meta, body: body.finish() };
            let back = versioned(&value(version, &record)).unwrap();
            prop_assert_eq!(back.version, Version(version));
            prop_assert_eq!(back.record.meta, meta);
            prop_assert_eq!(back.record.body, record.body);
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            if let Ok(v) = versioned(&bytes) {
                prop_assert_eq!(value(v.version.0, &v.record), bytes.clone());
            }
            let _ = digest(&bytes);
        }

        #[test]
        fn keys_sort_by_partition_then_digest(a: [u8; 20], b: [u8; 20]) {
            let (a, b) = (Digest(a), Digest(b));
            prop_assert_eq!(digest(&key(&a)), Some(a));
            prop_assert_eq!(
                key(&a).cmp(&key(&b)),
                (a.partition(), a).cmp(&(b.partition(), b))
            );
        }
    }
}
