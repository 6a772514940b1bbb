//! Validation with counters: a sign-up form is stored only when each of its fields is valid, and
//! what is refused is counted by field. `udfs/lua/validation.lua` is its twin.
//!
//! A refusal that has to be counted is a result, not an error: an error would undo the counting.
//!
//! Bins: `form` (map, the last valid one), `accepted` and `rejected` (integers), `faults` (map,
//! field to count).

use std::collections::BTreeMap;

use petrel_udf::{Error, Map, Record, Result, ValueRef};

fn valid_age(age: ValueRef) -> bool {
    matches!(age, ValueRef::Int(13..=120))
}

fn valid_country(country: ValueRef) -> bool {
    matches!(country, ValueRef::Str(code)
        if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
}

fn valid_email(email: ValueRef) -> bool {
    let ValueRef::Str(email) = email else {
        return false;
    };
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    // A dot with something on both sides.
    let inner = domain.as_bytes().get(1..domain.len().saturating_sub(1));
    email.len() <= 254
        && !local.is_empty()
        && !domain.contains('@')
        && !email.contains(' ')
        && inner.is_some_and(|inner| inner.contains(&b'.'))
}

/// A field and what its value has to be.
type Check = (&'static str, fn(ValueRef) -> bool);

const CHECKS: [Check; 3] = [
    ("age", valid_age),
    ("country", valid_country),
    ("email", valid_email),
];

/// Takes a form and returns the names of its invalid fields: none when it was stored.
#[petrel_udf::udf(bins("accepted", "rejected", "faults"))]
pub fn submit(record: &mut Record, form: Map) -> Result<Vec<&'static str>> {
    let mut invalid = Vec::new();
    for (field, is_valid) in CHECKS {
        if !form.get(field)?.is_some_and(is_valid) {
            invalid.push(field);
        }
    }
    let counter = if invalid.is_empty() {
        record.set("form", form)?;
        "accepted"
    } else {
        let mut faults = record.get_or("faults", BTreeMap::<&str, i64>::new())?;
        for field in &invalid {
            *faults.entry(*field).or_default() += 1;
        }
        record.set("faults", &faults)?;
        "rejected"
    };
    record.set(counter, record.get_or(counter, 0i64)? + 1)?;
    record.save()?;
    Ok(invalid)
}

/// Sets a bin to an integer from `low` to `high`; any other value is an error, and nothing is
/// stored.
#[petrel_udf::udf]
pub fn set_in_range(
    record: &mut Record,
    bin: &str,
    value: ValueRef,
    low: i64,
    high: i64,
) -> Result<()> {
    match value {
        ValueRef::Int(n) if (low..=high).contains(&n) => record.set(bin, n)?,
        _ => {
            let message = format!("{bin}: expected integer from {low} to {high}");
            return Err(Error::new(message));
        }
    }
    record.save()
}

/// The share of forms that were refused, from 0.0 to 1.0; nil before the first form.
#[petrel_udf::udf(bins("accepted", "rejected"))]
pub fn refused(record: &Record) -> Result<Option<f64>> {
    let accepted = record.get_or("accepted", 0i64)?;
    let rejected = record.get_or("rejected", 0i64)?;
    let forms = accepted + rejected;
    Ok((forms > 0).then(|| rejected as f64 / forms as f64))
}
