//! The functions of the UDF guide; `udfs/lua/my_module.lua` is their twin.

use petrel_udf::{MapBuilder, Record, Result, Value, ValueRef};

/// Tags the record with `a` and `b`, counts the visit and returns how many there were.
#[petrel_udf::udf]
pub fn transform_record(record: &mut Record, a: ValueRef, b: ValueRef) -> Result<i64> {
    let visits = record.get::<Option<i64>>("visits")?.unwrap_or(0) + 1;
    record.set("tag1", a)?;
    record.set("tag2", b)?;
    record.set("visits", visits)?;
    if record.exists() {
        record.update()?;
    }
    Ok(visits)
}

/// The record's score, 0 if it has none, multiplied by `factor`.
#[petrel_udf::udf]
pub fn get_computed_value(record: &Record, factor: i64) -> Result<i64> {
    let score: Option<i64> = record.get("score")?;
    Ok(score.unwrap_or(0).wrapping_mul(factor))
}

/// Marks the record as processed and returns its name, tier and visits; nil when it is missing.
#[petrel_udf::udf]
pub fn process_record(record: &mut Record) -> Result<Option<MapBuilder>> {
    if !record.exists() {
        return Ok(None);
    }
    record.set("processed", true)?;
    record.update()?;
    let mut summary = MapBuilder::new();
    for name in ["name", "tier"] {
        match record.get(name)? {
            Value::Nil => {}
            value => {
                summary.insert(name, value);
            }
        }
    }
    summary.insert("visits", record.get::<Option<i64>>("visits")?.unwrap_or(0));
    Ok(Some(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transformed_record_counts_its_visits() {
        let mut record = Record::testing().bin("visits", 2).build();
        let visits = transform_record(&mut record, ValueRef::Int(1), ValueRef::Str("x"));
        assert_eq!(visits.unwrap(), 3);
        assert_eq!(record.get_str("tag2").unwrap(), "x");
    }

    #[test]
    fn a_record_without_a_score_computes_to_zero() {
        let record = Record::testing().build();
        assert_eq!(get_computed_value(&record, 42).unwrap(), 0);
    }

    #[test]
    fn a_missing_record_is_not_processed() {
        let mut record = Record::testing().missing().build();
        assert!(process_record(&mut record).unwrap().is_none());
        assert_eq!(record.effects(), []);
    }
}
