//! What a function did to its record, bin by bin.

use std::fmt;

use super::fixture::Notation;
use crate::change::Effects;
use crate::model::{Record, Value, now_secs};

/// One difference between a record before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The bin, or `(generation)`, `(ttl)` and the like.
    pub name: String,
    /// What it was; `None`: it was not there.
    pub before: Option<Notation>,
    /// What it is; `None`: it is gone.
    pub after: Option<Notation>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {name}: {after}"),
            (Some(before), None) => write!(f, "- {name}: {before}"),
            (Some(before), Some(after)) => write!(f, "~ {name}: {before} -> {after}"),
            (None, None) => Ok(()),
        }
    }
}

impl Change {
    /// The change for programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"name": self.name, "before": self.before, "after": self.after})
    }
}

/// The record that effects leave; `None`: there is none.
pub fn after<'a>(before: Option<&'a Record>, effects: &'a Effects) -> Option<&'a Record> {
    match effects {
        Effects::None => before,
        Effects::Put(record) => Some(record),
        Effects::Remove => None,
    }
}

/// How two states of a record differ: bins in their order, then expiry. An update that stores what
/// was there already is told by the generation alone.
pub fn changes(before: Option<&Record>, after: Option<&Record>) -> Vec<Change> {
    let (old, new) = (bins(before), bins(after));
    let mut changes = Vec::new();
    for (name, value) in &old {
        let now = new.iter().find(|(other, _)| other == name).map(|(_, v)| v);
        if !now.is_some_and(|now| same(now, value)) {
            changes.push(change(name, Some(value), now));
        }
    }
    for (name, value) in &new {
        if !old.iter().any(|(other, _)| other == name) {
            changes.push(change(name, None, Some(value)));
        }
    }
    let (Some(before), Some(after)) = (before, after) else {
        return changes;
    };
    if before.meta.void_time != after.meta.void_time {
        let left = [before, after].map(|record| Value::Int(ttl(record).into()));
        changes.push(change("(ttl)", Some(&left[0]), Some(&left[1])));
    }
    if before.meta.generation != after.meta.generation {
        let counts = [before, after].map(|record| Value::Int(record.meta.generation.into()));
        changes.push(change("(generation)", Some(&counts[0]), Some(&counts[1])));
    }
    changes
}

fn change(name: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    let notation = |value: &Value| Notation(value.clone());
    Change {
        name: name.to_owned(),
        before: before.map(notation),
        after: after.map(notation),
    }
}

/// The bins of a record, in order.
pub fn bins(record: Option<&Record>) -> Vec<(String, Value)> {
    let bins = record.into_iter().flat_map(|record| record.body.bins());
    bins.map(|(name, particle)| {
        let value = Value::try_from(particle).unwrap_or(Value::Nil);
        (String::from_utf8_lossy(name).into_owned(), value)
    })
    .collect()
}

/// Seconds until a record expires; 0 for never.
pub fn ttl(record: &Record) -> u32 {
    record.meta.void_time.saturating_sub(now_secs())
}

/// Whether two values are the same; one that is no number is the same as itself.
pub fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a, b), (Value::Float(a), Value::Float(b)) if a.is_nan() && b.is_nan())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::FixtureRecord;
    use super::*;

    fn record(yaml: &str) -> Record {
        let record: FixtureRecord = serde_saphyr::from_str(yaml).unwrap();
        record.stored(0).unwrap().unwrap()
    }

    #[test]
    fn a_change_is_told_bin_by_bin() {
        let before = record("{bins: {a: 1, b: 2, c: [1]}, generation: 1}");
        let after = record("{bins: {a: 1, b: x, d: 2.5}, generation: 2}");
        let told: Vec<_> = changes(Some(&before), Some(&after))
            .iter()
            .map(Change::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "~ b: 2 -> \"x\"",
                "- c: [1]",
                "+ d: 2.5",
                "~ (generation): 1 -> 2"
            ]
        );
        assert!(changes(Some(&before), Some(&before)).is_empty());
        assert_eq!(changes(None, Some(&before)).len(), 3);
    }
}
