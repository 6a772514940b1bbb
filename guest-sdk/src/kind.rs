//! Particle types: the one-byte types of values, as the Aerospike protocol numbers them.

use petrel_packed::ParticleType;

/// Nil.
pub const NIL: u8 = ParticleType::NULL.0;
/// A 64-bit signed integer.
pub const INTEGER: u8 = ParticleType::INTEGER.0;
/// A 64-bit float.
pub const FLOAT: u8 = ParticleType::FLOAT.0;
/// A string.
pub const STRING: u8 = ParticleType::STRING.0;
/// Bytes.
pub const BLOB: u8 = ParticleType::BLOB.0;
/// A boolean.
pub const BOOL: u8 = ParticleType::BOOL.0;
/// A HyperLogLog sketch.
pub const HLL: u8 = ParticleType::HLL.0;
/// A map.
pub const MAP: u8 = ParticleType::MAP.0;
/// A list.
pub const LIST: u8 = ParticleType::LIST.0;
/// GeoJSON.
pub const GEOJSON: u8 = ParticleType::GEOJSON.0;

/// The name of a particle type, for messages.
pub fn name(kind: u8) -> &'static str {
    match ParticleType(kind).name() {
        "unknown" => "value of an unknown type",
        name => name,
    }
}
