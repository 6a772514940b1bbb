//! Values between the command line and the wire.
//!
//! What looks like an integer is one; what is JSON is taken as JSON (so quotes force a
//! string: `'"42"'`); everything else is the string that was typed.

use aerospike::{FloatValue, IndexMap, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::CliError;

/// Reads a function's argument or a bin's value.
pub fn parse(text: &str) -> Result<Value, CliError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(integer) => Ok(Value::Int(integer)),
            Err(_) => Err(beyond_integers(text, text)),
        };
    }
    match serde_json::from_str(text) {
        Ok(json) => from_json(json, text),
        Err(error) if text.starts_with(['[', '{', '"']) => Err(CliError::Usage(format!(
            "`{text}` starts like JSON but is not: {error}; to send it as it is, \
             put it into JSON quotes"
        ))),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

fn beyond_integers(number: impl std::fmt::Display, text: &str) -> CliError {
    CliError::Usage(format!(
        "{number} in `{text}` is beyond 64-bit integers; to send it as text, put it into JSON quotes"
    ))
}

/// Reads a record's key: an integer, a string in JSON quotes, or the string as typed.
pub fn parse_key(text: &str) -> Result<Value, CliError> {
    if let Ok(integer) = text.parse::<i64>() {
        return Ok(Value::Int(integer));
    }
    if text.len() >= 2 && text.starts_with('"') && text.ends_with('"') {
        return match parse(text)? {
            Value::String(key) => Ok(Value::String(key)),
            _ => Err(CliError::Usage(format!("`{text}` is no key"))),
        };
    }
    Ok(Value::String(text.to_owned()))
}

fn from_json(json: serde_json::Value, text: &str) -> Result<Value, CliError> {
    use serde_json::Value as Json;
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Int(integer),
            (None, Some(float)) if !number.is_u64() => Value::Float(FloatValue::from(float)),
            _ => return Err(beyond_integers(number, text)),
        },
        Json::String(value) => Value::String(value),
        Json::Array(values) => Value::List(
            values
                .into_iter()
                .map(|value| from_json(value, text))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(entries) => Value::OrderedMap(
            entries
                .into_iter()
                .map(|(name, value)| Ok((Value::String(name), from_json(value, text)?)))
                .collect::<Result<IndexMap<_, _>, CliError>>()?,
        ),
    })
}

/// A value as JSON. Bytes become base64 text; keys of maps that are no strings become text.
pub fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        // JSON has no NaN and no infinity; these become null.
        Value::Float(value) => Json::from(f64::from(value)),
        Value::String(text) | Value::GeoJson(text) => Json::String(text.clone()),
        Value::Blob(bytes) | Value::Hll(bytes) | Value::Unknown(_, bytes) => {
            Json::String(STANDARD.encode(bytes))
        }
        Value::List(values) | Value::MultiResult(values) => {
            Json::Array(values.iter().map(to_json).collect())
        }
        Value::HashMap(map) => entries(map.iter()),
        Value::OrderedMap(map) => entries(map.iter()),
        Value::SortedMap(map) => entries(map.iter()),
        Value::KeyValueList(pairs) => entries(pairs.iter().map(|(key, value)| (key, value))),
        other => Json::String(other.to_string()),
    }
}

fn entries<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> serde_json::Value {
    serde_json::Value::Object(
        pairs
            .map(|(key, value)| {
                let name = match to_json(key) {
                    serde_json::Value::String(name) => name,
                    other => other.to_string(),
                };
                (name, to_json(value))
            })
            .collect(),
    )
}

/// A value for people: a bare string, else JSON.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Blob(bytes) => format!("{} bytes, base64 {}", bytes.len(), STANDARD.encode(bytes)),
        other => to_json(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn integers_json_and_strings_are_told_apart() {
        assert_eq!(parse("42").unwrap(), Value::Int(42));
        assert_eq!(parse("-7").unwrap(), Value::Int(-7));
        assert_eq!(parse("007").unwrap(), Value::Int(7));
        assert_eq!(parse("2.5").unwrap(), Value::Float(FloatValue::from(2.5)));
        assert_eq!(parse("true").unwrap(), Value::Bool(true));
        assert_eq!(parse("null").unwrap(), Value::Nil);
        assert_eq!(parse("arg1").unwrap(), string("arg1"));
        assert_eq!(parse("").unwrap(), string(""));
        assert_eq!(
            parse("[1,\"a\"]").unwrap(),
            Value::List(vec![Value::Int(1), string("a")])
        );
    }

    #[test]
    fn json_quotes_force_a_string() {
        assert_eq!(parse("\"42\"").unwrap(), string("42"));
        assert_eq!(parse_key("\"42\"").unwrap(), string("42"));
        assert_eq!(parse_key("42").unwrap(), Value::Int(42));
        assert_eq!(parse_key("true").unwrap(), string("true"));
    }

    #[test]
    fn broken_json_and_huge_integers_are_usage_errors() {
        for text in ["[1,", "{\"a\"}", "\"open", "18446744073709551615"] {
            assert!(matches!(parse(text), Err(CliError::Usage(_))), "{text}");
        }
    }

    #[test]
    fn values_become_json_with_text_keys_and_base64_bytes() {
        let map = Value::OrderedMap(IndexMap::from_iter([
            (Value::Int(1), Value::Blob(vec![1, 2, 3])),
            (string("a"), Value::Nil),
        ]));
        assert_eq!(to_json(&map), serde_json::json!({"1": "AQID", "a": null}));
    }
}
