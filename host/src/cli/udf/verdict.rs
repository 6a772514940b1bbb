//! Whether a call came to what its fixture expects.

use super::changes::{after, bins, same, ttl};
use super::fixture::{Expectation, Notation};
use super::local::{Outcome, Total};
use super::log::Line;
use crate::change::Effects;
use crate::model::Value;

/// What does not hold of a call, in words.
pub fn of_call(expect: Option<&Expectation>, outcome: &Outcome) -> Vec<String> {
    let none = Expectation::default();
    let expect = expect.unwrap_or(&none);
    let mut wrong = Vec::new();
    match (&outcome.result, &expect.error) {
        (Err(error), Some(part)) if !error.contains(part.as_str()) => {
            wrong.push(format!("expected an error with {part:?}, had {error:?}"));
        }
        (Ok(value), Some(part)) => wrong.push(format!(
            "expected an error with {part:?}, had the result {}",
            Notation(value.clone())
        )),
        (Err(error), None) => wrong.push(format!("failed: {error}")),
        _ => {}
    }
    if let (Ok(value), Some(expected)) = (&outcome.result, &expect.result)
        && !same(value, &expected.0)
    {
        let value = Notation(value.clone());
        wrong.push(format!("expected the result {expected}, had {value}"));
    }
    if expect.values.is_some() {
        wrong.push("`values` is for aggregations; name its `records`".to_owned());
    }
    record(expect, outcome, &mut wrong);
    log(expect, &outcome.log, &mut wrong);
    wrong
}

fn record(expect: &Expectation, outcome: &Outcome, wrong: &mut Vec<String>) {
    let left = after(outcome.before.as_ref(), &outcome.effects);
    let now = bins(left);
    if let Some(expected) = &expect.record {
        compare(&expected.0, &now, wrong);
        let more = now
            .iter()
            .filter(|(name, _)| !expected.0.iter().any(|(n, _)| n == name));
        for (name, value) in more {
            let value = Notation(value.clone());
            wrong.push(format!("expected no bin {name}, it is {value}"));
        }
    }
    if let Some(expected) = &expect.bins {
        compare(&expected.0, &now, wrong);
    }
    let unchanged = matches!(outcome.effects, Effects::None);
    match expect.unchanged {
        Some(true) if !unchanged => wrong.push("expected the record unchanged".to_owned()),
        Some(false) if unchanged => wrong.push("expected the record changed".to_owned()),
        _ => {}
    }
    let removed = matches!(outcome.effects, Effects::Remove);
    match expect.removed {
        Some(true) if !removed => wrong.push("expected the record removed".to_owned()),
        Some(false) if removed => wrong.push("expected the record to stay".to_owned()),
        _ => {}
    }
    if let Some(expected) = expect.ttl {
        match left.map(ttl) {
            Some(ttl) if ttl.abs_diff(expected) <= u32::from(expected != 0) => {}
            Some(ttl) => wrong.push(format!("expected a TTL of {expected} s, it is {ttl} s")),
            None => wrong.push("expected a TTL, there is no record".to_owned()),
        }
    }
}

/// Checks bins that must be there, or where null is expected must not.
fn compare(expected: &[(String, Notation)], now: &[(String, Value)], wrong: &mut Vec<String>) {
    for (name, value) in expected {
        let is = now.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        if same(is.unwrap_or(&Value::Nil), &value.0) {
            continue;
        }
        let is = is.map_or("not there".to_owned(), |v| Notation(v.clone()).to_string());
        wrong.push(format!("expected the bin {name} to be {value}, it is {is}"));
    }
}

fn log(expect: &Expectation, lines: &[Line], wrong: &mut Vec<String>) {
    for text in expect.log.iter().flat_map(|log| log.texts()) {
        if !lines.iter().any(|line| line.text.contains(text.as_str())) {
            wrong.push(format!("expected a log line with {text:?}"));
        }
    }
}

/// What does not hold of an aggregation, in words.
pub fn of_total(expect: Option<&Expectation>, total: &Total) -> Vec<String> {
    let none = Expectation::default();
    let expect = expect.unwrap_or(&none);
    let mut wrong = Vec::new();
    match (&total.values, &expect.error) {
        (Err(error), Some(part)) if !error.contains(part.as_str()) => {
            wrong.push(format!("expected an error with {part:?}, had {error:?}"));
        }
        (Ok(_), Some(part)) => wrong.push(format!("expected an error with {part:?}")),
        (Err(error), None) => wrong.push(format!("failed: {error}")),
        _ => {}
    }
    if let (Ok(values), Some(expected)) = (&total.values, &expect.values) {
        if !all_same(values, expected) {
            wrong.push(format!(
                "expected the values {}, had {}",
                listed(expected.iter().map(|v| &v.0)),
                listed(values)
            ));
        } else {
            match &total.merged {
                Ok(merged) if all_same(merged, expected) => {}
                Ok(merged) => wrong.push(format!(
                    "two halves of the records, merged, come to {}",
                    listed(merged)
                )),
                Err(error) => wrong.push(format!(
                    "two halves of the records, merged, failed: {error}"
                )),
            }
        }
    }
    if expect.result.is_some() || expect.record.is_some() || expect.bins.is_some() {
        wrong.push("an aggregation has `values`, and changes no record".to_owned());
    }
    log(expect, &total.log, &mut wrong);
    wrong
}

fn all_same(values: &[Value], expected: &[Notation]) -> bool {
    values.len() == expected.len() && values.iter().zip(expected).all(|(a, b)| same(a, &b.0))
}

/// Values as one list.
pub fn listed<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let values: Vec<_> = values.into_iter().cloned().collect();
    Notation(Value::list(values)).to_string()
}
