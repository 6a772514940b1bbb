//! Particle types: the one-byte types of values, as the Aerospike protocol numbers them.

/// Nil.
pub const NIL: u8 = 0;
/// A 64-bit signed integer.
pub const INTEGER: u8 = 1;
/// A 64-bit float.
pub const FLOAT: u8 = 2;
/// A string.
pub const STRING: u8 = 3;
/// Bytes.
pub const BLOB: u8 = 4;
/// A boolean.
pub const BOOL: u8 = 17;
/// A HyperLogLog sketch.
pub const HLL: u8 = 18;
/// A map.
pub const MAP: u8 = 19;
/// A list.
pub const LIST: u8 = 20;
/// GeoJSON.
pub const GEOJSON: u8 = 23;

/// The name of a particle type, for messages.
pub fn name(kind: u8) -> &'static str {
    match kind {
        NIL => "nil",
        INTEGER => "integer",
        FLOAT => "float",
        STRING => "string",
        BLOB | 7..=12 => "blob",
        BOOL => "boolean",
        HLL => "hll",
        MAP => "map",
        LIST => "list",
        GEOJSON => "geojson",
        _ => "value of an unknown type",
    }
}
