//! Indexes against plain models.

mod entries;
mod following;
mod places;

use super::*;
use crate::model::{BodyBuilder, Digest, Meta, Particle, Record, Value};

/// The `n`th record's digest: the records are in a few partitions.
fn digest(n: u64) -> Digest {
    let mut bytes = [0; 20];
    bytes[0] = (n % 3) as u8;
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Digest(bytes)
}

/// A record of a set with one bin, "b".
fn record(set: u16, value: &Value) -> Record {
    let (mut body, mut particle) = (BodyBuilder::new(), Vec::new());
    value.write_particle(&mut particle);
    body.start(None);
    body.bin(b"other", Particle::new(Value::from(1).kind(), &[0; 8]));
    if *value != Value::Nil {
        body.bin(b"b", Particle::new(value.kind(), &particle));
    }
    Record {
        meta: Meta {
            set,
            ..Meta::default()
        },
        body: body.finish(),
    }
}

fn place(kind: Kind, collection: Collection) -> Place {
    Place::of_bin(b"b", kind).unwrap().over(collection)
}

fn numeric() -> Place {
    place(Kind::Numeric, Collection::Default)
}
