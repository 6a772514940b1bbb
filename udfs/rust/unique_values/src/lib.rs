//! Unique values: which ones were seen, and how often. `udfs/lua/unique_values.lua` is its twin.
//!
//! Values are integers and strings: what every client can have as the key of a map.
//!
//! Bins: `seen` (map, value to count).

use std::collections::BTreeMap;

use petrel_udf::{Error, List, Map, Record, Result, ValueRef};

/// Adds a list of values; returns how many of them were new. A call after which there would be more
/// than `limit` fails and adds nothing.
#[petrel_udf::udf(bins("seen"))]
pub fn add(record: &mut Record, values: List, limit: usize) -> Result<i64> {
    let mut seen = record.get_or("seen", BTreeMap::<ValueRef, i64>::new())?;
    let mut new = 0;
    for value in values.iter() {
        let value = value?;
        if !matches!(value, ValueRef::Int(_) | ValueRef::Str(_)) {
            return Err(Error::new("value: expected integer or string"));
        }
        let count = seen.entry(value).or_insert(0);
        if *count == 0 {
            new += 1;
        }
        *count += 1;
    }
    if seen.len() > limit {
        let message = format!("more than {limit} unique values");
        return Err(Error::new(message));
    }
    record.set("seen", &seen)?;
    record.save()?;
    Ok(new)
}

/// How many unique values there are.
#[petrel_udf::udf(bins("seen"))]
pub fn count(record: &Record) -> Result<usize> {
    let seen: Option<Map> = record.get("seen")?;
    Ok(seen.map_or(0, |seen| seen.len()))
}

/// How often a value was seen.
#[petrel_udf::udf(bins("seen"))]
pub fn times(record: &Record, value: ValueRef) -> Result<i64> {
    let seen: Option<Map> = record.get("seen")?;
    let count = seen.map_or(Ok(None), |seen| seen.get(value))?;
    Ok(count.unwrap_or(0))
}
