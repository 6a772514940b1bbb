//! Values of the client and of the host, each as the other, and tables of many.

use aerospike::{FloatValue, IndexMap, Value};

use super::value::to_text;
use crate::model::{self, ParticleType, msgpack};

/// A value of the client, typed or read, as the host has it.
pub fn to_model(value: &Value) -> model::Value {
    fn map<'a>(entries: impl Iterator<Item = (&'a Value, &'a Value)>) -> model::Value {
        model::Value::map(entries.map(|(k, v)| (to_model(k), to_model(v))))
    }
    match value {
        Value::Nil => model::Value::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => f64::from(value).into(),
        Value::String(text) => text.as_str().into(),
        Value::Blob(bytes) => bytes.clone().into(),
        Value::Hll(bytes) => model::Value::Hll(bytes.clone().into()),
        Value::Unknown(kind, bytes) => {
            model::Value::Blob(ParticleType(*kind), bytes.clone().into())
        }
        Value::GeoJson(text) => {
            let mut particle = Vec::new();
            msgpack::geo_particle(text.as_bytes(), &mut particle);
            model::Value::Geo(particle.into())
        }
        Value::List(values) | Value::MultiResult(values) => {
            model::Value::list(values.iter().map(to_model))
        }
        Value::OrderedMap(entries) => map(entries.iter()),
        Value::HashMap(entries) => map(entries.iter()),
        Value::SortedMap(entries) => map(entries.iter()),
        Value::KeyValueList(entries) => map(entries.iter().map(|(k, v)| (k, v))),
        // No bin has such a value.
        other => other.to_string().into(),
    }
}

/// A value from the wire. What is malformed becomes nil.
pub fn from_model(value: &model::Value) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        model::Value::Nil => Value::Nil,
        model::Value::Bool(value) => Value::Bool(*value),
        model::Value::Int(value) => Value::Int(*value),
        model::Value::Float(value) => Value::Float(FloatValue::from(*value)),
        model::Value::Str(bytes) => Value::String(text(bytes)),
        model::Value::Geo(particle) => Value::GeoJson(text(msgpack::geo_text(particle))),
        model::Value::Hll(bytes) => Value::Hll(bytes.to_vec()),
        model::Value::Blob(ParticleType::BLOB, bytes) => Value::Blob(bytes.to_vec()),
        model::Value::Blob(kind, bytes) => Value::Unknown(kind.0, bytes.to_vec()),
        model::Value::List(packed) => msgpack::list_items(packed).map_or(Value::Nil, |items| {
            Value::List(items.iter().map(from_model).collect())
        }),
        model::Value::Map(packed) => msgpack::map_entries(packed).map_or(Value::Nil, |entries| {
            let entry = |(k, v): &(model::Value, model::Value)| (from_model(k), from_model(v));
            Value::OrderedMap(entries.iter().map(entry).collect())
        }),
    }
}

/// Header and rows for people: a map is a row for each entry, a list one for each element, and maps
/// in these have a column for each of their keys.
pub fn table(values: &[Value]) -> (Vec<String>, Vec<Vec<String>>) {
    match values {
        [Value::OrderedMap(entries)] => {
            let (columns, cells) = columns(entries.values());
            let keys = entries.keys().map(to_text);
            let rows = keys
                .zip(cells)
                .map(|(key, cells)| [vec![key], cells].concat());
            let rows = rows.collect();
            ([vec!["key".to_owned()], columns].concat(), rows)
        }
        [Value::List(elements)] => columns(elements.iter()),
        values => columns(values.iter()),
    }
}

/// More columns than this nobody reads.
const MOST_COLUMNS: usize = 20;

/// A column for each key where all values are maps, else one for the value.
fn columns<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> (Vec<String>, Vec<Vec<String>>) {
    let maps: Option<Vec<&IndexMap<Value, Value>>> = values
        .clone()
        .map(|value| match value {
            Value::OrderedMap(entries) => Some(entries),
            _ => None,
        })
        .collect();
    match maps {
        Some(maps) if !maps.is_empty() => {
            let mut keys: Vec<&Value> = Vec::new();
            for key in maps.iter().flat_map(|map| map.keys()) {
                if keys.len() > MOST_COLUMNS {
                    return one_column(values);
                }
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            let cell =
                |map: &IndexMap<Value, Value>, key| map.get(key).map_or(String::new(), to_text);
            let rows = maps
                .iter()
                .map(|map| keys.iter().map(|key| cell(map, *key)).collect());
            let rows = rows.collect();
            (keys.into_iter().map(to_text).collect(), rows)
        }
        _ => one_column(values),
    }
}

fn one_column<'a>(values: impl Iterator<Item = &'a Value>) -> (Vec<String>, Vec<Vec<String>>) {
    let rows = values.map(|value| vec![to_text(value)]).collect();
    (vec!["value".to_owned()], rows)
}

#[cfg(test)]
mod tests {
    use super::super::value::parse;
    use super::*;

    fn rows(typed: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
        let values: Vec<_> = typed.iter().map(|text| parse(text).unwrap()).collect();
        table(&values)
    }

    fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).to_vec()
    }

    #[test]
    fn values_come_back_from_the_wire() {
        for text in [
            "7",
            "2.5",
            "true",
            "null",
            "text",
            r#"[1,["a"],{"k":null}]"#,
            r#"{"a":[],"b":{}}"#,
        ] {
            let value = parse(text).unwrap();
            assert_eq!(from_model(&to_model(&value)), value, "{text}");
        }
    }

    #[test]
    fn a_map_is_a_row_for_each_entry() {
        let (header, rows) = rows(&[r#"{"mon":3,"tue":4}"#]);
        assert_eq!(header, ["key", "value"]);
        assert_eq!(rows, [strings(["mon", "3"]), strings(["tue", "4"])]);
    }

    #[test]
    fn maps_in_a_map_have_columns() {
        let (header, rows) = rows(&[r#"{"mon":{"n":3,"sum":2.5},"tue":{"n":4,"max":9}}"#]);
        assert_eq!(header, ["key", "n", "sum", "max"]);
        assert_eq!(
            rows,
            [
                strings(["mon", "3", "2.5", ""]),
                strings(["tue", "4", "", "9"])
            ]
        );
    }

    #[test]
    fn everything_else_is_a_row_for_each_value() {
        assert_eq!(rows(&["7"]), (strings(["value"]), vec![strings(["7"])]));
        assert_eq!(rows(&[r#"[1,"a"]"#]).1, [strings(["1"]), strings(["a"])]);
        assert_eq!(rows(&["1", "[2]"]).1, [strings(["1"]), strings(["[2]"])]);
        assert_eq!(
            rows(&[r#"[{"a":1},{"a":2}]"#]),
            (strings(["a"]), vec![strings(["1"]), strings(["2"])])
        );
        assert!(rows(&[]).1.is_empty());
    }
}
