//! Documents like JSON: nested maps in a bin, patched as RFC 7396 (JSON Merge Patch) says.
//! `udfs/lua/document.lua` is its twin.
//!
//! A patch is a map that looks like the document. A value replaces what stands at its place, a map
//! is merged into it, nil removes it; what the patch does not name stays.
//!
//! Bins: the one that the caller names.

use petrel_udf::{List, Map, MapBuilder, Record, Result, ValueRef};

fn as_map(value: ValueRef) -> Option<Map> {
    match value {
        ValueRef::Map(map) => Some(map),
        _ => None,
    }
}

/// Puts the patched map together; what stays is copied as it is, never parsed.
fn merge(target: Option<Map>, patch: Map) -> Result<MapBuilder> {
    let mut merged = MapBuilder::new();
    for entry in target.iter().flat_map(Map::iter) {
        let (key, value) = entry?;
        match patch.get(key)? {
            None => merged.insert(key, value),
            Some(ValueRef::Nil) => &mut merged,
            Some(ValueRef::Map(changes)) => merged.insert(key, merge(as_map(value), changes)?),
            Some(other) => merged.insert(key, other),
        };
    }
    for entry in patch.iter() {
        let (key, value) = entry?;
        if let Some(target) = target
            && target.get::<ValueRef>(key)?.is_some()
        {
            continue;
        }
        match value {
            ValueRef::Nil => &mut merged,
            ValueRef::Map(new) => merged.insert(key, merge(None, new)?),
            other => merged.insert(key, other),
        };
    }
    Ok(merged)
}

/// Patches the document in a bin, makes it if there is none, and returns it.
#[petrel_udf::udf]
pub fn patch(record: &mut Record, bin: &str, changes: Map) -> Result<MapBuilder> {
    let document = merge(as_map(record.value(bin)?), changes)?;
    record.set(bin, &document)?;
    record.save()?;
    Ok(document)
}

/// What stands at a path (a list of keys) in the document; nil when there is nothing.
#[petrel_udf::udf]
pub fn get<'a>(record: &Record<'a>, bin: &str, path: List) -> Result<ValueRef<'a>> {
    let mut value = record.value(bin)?;
    for key in path.iter() {
        let Some(map) = as_map(value) else {
            return Ok(ValueRef::Nil);
        };
        value = map.get(key?)?.unwrap_or(ValueRef::Nil);
    }
    Ok(value)
}
