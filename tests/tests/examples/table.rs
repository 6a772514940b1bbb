//! The cases of the example modules: `tests/fixtures/examples/MODULE.json` has those of functions on
//! records, `tests/fixtures/examples/streams/MODULE.json` those of functions on streams.
//!
//! A row is an object:
//!
//!     call      the function
//!     args      its arguments
//!     before    the record's bins; left out when there is no record
//!     returns   the result; or
//!     fails     a part of the error's message
//!     after     the bins afterwards, null when there is no record; left out when they are as before
//!     ttl       seconds that the record has left afterwards; left out when it never expires
//!
//! For a function on a stream it has `call`, `args` and
//!
//!     records   the bins of each record
//!     yields    the values that the aggregation comes to; or `fails`, as above
//!     wasm      the values in Wasm, where `finish` gives one over no records too
//!
//! JSON has no integer as a key of a map and no short form of a long list, so
//! `{"$map": [[key, value], ..]}` is a map and `{"$range": [first, last, step]}` a list of integers.

use std::collections::HashMap;

use aerospike::Value;
use anyhow::{Context, Result, bail, ensure};
use petrel_tests::guests::{fixture, root};
use serde_json::Value as Json;

/// The bins of a record.
pub type Bins = HashMap<String, Value>;

/// One call on one record.
pub struct Case {
    /// The function.
    pub call: String,
    /// Its arguments.
    pub args: Vec<Value>,
    /// The record, if there is one.
    pub before: Option<Bins>,
    /// The result, or a part of the error's message.
    pub outcome: Result<Value, String>,
    /// The record afterwards.
    pub after: Option<Bins>,
    /// The seconds that it has left, if it expires.
    pub ttl: Option<u64>,
}

/// One aggregation.
pub struct Fold {
    /// The function.
    pub call: String,
    /// Its arguments, beside the stream.
    pub args: Vec<Value>,
    /// The records.
    pub records: Vec<Bins>,
    /// The values that it comes to, or a part of the error's message.
    pub outcome: Result<Vec<Value>, String>,
    /// The values that it comes to in Wasm, where they are others.
    pub wasm: Option<Vec<Value>>,
}

/// The modules with functions on records: all that have a table.
pub fn modules() -> Result<Vec<String>> {
    tables("examples")
}

/// The modules with functions on streams.
pub fn stream_modules() -> Result<Vec<String>> {
    tables("examples/streams")
}

fn tables(folder: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/fixtures").join(folder))? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_stem().and_then(|name| name.to_str());
            names.push(name.context("a table without a name")?.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The cases of a module, in the order of its table.
pub fn cases(module: &str) -> Result<Vec<Case>> {
    rows(&format!("examples/{module}.json"), case)
}

/// The cases of a module with functions on streams.
pub fn folds(module: &str) -> Result<Vec<Fold>> {
    rows(&format!("examples/streams/{module}.json"), fold)
}

type Row = serde_json::Map<String, Json>;

fn rows<T>(file: &str, read: fn(Row) -> Result<T>) -> Result<Vec<T>> {
    let rows: Vec<Row> =
        serde_json::from_slice(&fixture(file)?).with_context(|| file.to_owned())?;
    let numbered = (1..).zip(rows);
    numbered
        .map(|(n, row)| read(row).with_context(|| format!("{file}, row {n}")))
        .collect()
}

fn fold(mut row: Row) -> Result<Fold> {
    let Some(Json::Array(records)) = row.remove("records") else {
        bail!("no records");
    };
    let fold = Fold {
        call: text(row.remove("call"))?,
        args: list(row.remove("args").context("no args")?)?,
        records: records
            .into_iter()
            .map(|json| bins(json)?.context("a record without bins"))
            .collect::<Result<_>>()?,
        outcome: match row.remove("yields") {
            Some(json) => Ok(list(json)?),
            None => Err(text(row.remove("fails"))?),
        },
        wasm: row.remove("wasm").map(list).transpose()?,
    };
    ensure!(row.is_empty(), "what is {:?}?", row.keys());
    Ok(fold)
}

fn case(mut row: Row) -> Result<Case> {
    let before = row.remove("before").map_or(Ok(None), bins)?;
    let case = Case {
        call: text(row.remove("call"))?,
        args: list(row.remove("args").context("no args")?)?,
        outcome: match row.remove("returns") {
            Some(json) => Ok(value(json)?),
            None => Err(text(row.remove("fails"))?),
        },
        after: row.remove("after").map_or(Ok(before.clone()), bins)?,
        before,
        ttl: row.remove("ttl").and_then(|seconds| seconds.as_u64()),
    };
    ensure!(row.is_empty(), "what is {:?}?", row.keys());
    Ok(case)
}

fn text(json: Option<Json>) -> Result<String> {
    match json {
        Some(Json::String(text)) => Ok(text),
        other => bail!("expected a string, found {other:?}"),
    }
}

fn bins(json: Json) -> Result<Option<Bins>> {
    match json {
        Json::Null => Ok(None),
        Json::Object(bins) => bins
            .into_iter()
            .map(|(name, json)| Ok((name, value(json)?)))
            .collect::<Result<_>>()
            .map(Some),
        other => bail!("bins are an object, not {other}"),
    }
}

fn list(json: Json) -> Result<Vec<Value>> {
    match json {
        Json::Array(items) => items.into_iter().map(value).collect(),
        other => bail!("expected a list, found {other}"),
    }
}

fn value(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::from(n.as_f64().context("a number out of range")?),
        },
        Json::String(s) => Value::String(s),
        Json::Array(_) => Value::List(list(json)?),
        Json::Object(mut map) => {
            if let Some(bounds) = map.remove("$range") {
                return range(&bounds);
            }
            if let Some(pairs) = map.remove("$map") {
                let pairs = list(pairs)?.into_iter().map(pair);
                return Ok(Value::HashMap(pairs.collect::<Result<_>>()?));
            }
            let entries = map
                .into_iter()
                .map(|(key, json)| Ok((Value::String(key), value(json)?)));
            Value::HashMap(entries.collect::<Result<_>>()?)
        }
    })
}

fn pair(value: Value) -> Result<(Value, Value)> {
    match value {
        Value::List(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([key, value]) => Ok((key, value)),
            Err(pair) => bail!("{pair:?} is not a key and a value"),
        },
        other => bail!("{other:?} is not a key and a value"),
    }
}

fn range(bounds: &Json) -> Result<Value> {
    let bound = |i: usize| bounds.get(i).and_then(Json::as_i64).context("a range");
    let (first, last, step) = (bound(0)?, bound(1)?, bound(2)?);
    let step = usize::try_from(step)?;
    let items = (first..=last).step_by(step).map(Value::Int);
    Ok(Value::List(items.collect()))
}
