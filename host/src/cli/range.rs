//! `--range`: only the records that an index has under some values.

use aerospike::query::Filter;
use aerospike::{CollectionIndexType, Value};
use clap::Args;

use super::error::CliError;
use super::index::Collection;
use super::value;
use crate::index::{Bounds, Kind};
use crate::wire::flags::field;
use crate::wire::pack_index_range;

/// Parts the bin from its values.
const OF: char = ':';
/// Parts the first of the values from the last.
const TO: &str = "..";

/// Which values of which index.
#[derive(Debug, Args)]
pub struct RangeArgs {
    /// Only records that an index has under these values of a bin: integers as in `age:20..30` (both
    /// included), `age:20..` or `age:20`, or one text as in `tier:free`.
    #[arg(long, value_name = "BIN:VALUES")]
    pub range: Option<String>,
    /// The index is of what is in a list or map.
    #[arg(long = "in", value_name = "COLLECTION", requires = "range")]
    pub collection: Option<Collection>,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
struct Range<'a> {
    bin: &'a str,
    values: Values,
}

#[derive(Debug, PartialEq, Eq)]
enum Values {
    /// From one to another, both included.
    Integers(i64, i64),
    Text(String),
}

impl RangeArgs {
    /// The range as the Rust client has it; `None` for all records.
    pub fn filter(&self) -> Result<Option<Filter>, CliError> {
        let Some(Range { bin, values }) = self.parsed()? else {
            return Ok(None);
        };
        let collection = match self.collection {
            None => CollectionIndexType::Default,
            Some(Collection::List) => CollectionIndexType::List,
            Some(Collection::Mapkeys) => CollectionIndexType::MapKeys,
            Some(Collection::Mapvalues) => CollectionIndexType::MapValues,
        };
        Ok(Some(match values {
            Values::Integers(from, to) => Filter::contains_range(bin, from, to, collection),
            Values::Text(text) => Filter::contains(bin, text, collection),
        }))
    }

    /// The fields of a request for the range; none for all records.
    pub fn fields(&self) -> Result<Vec<(u8, Vec<u8>)>, CliError> {
        let Some(Range { bin, values }) = self.parsed()? else {
            return Ok(Vec::new());
        };
        let (kind, bounds) = match values {
            Values::Integers(from, to) => (Kind::Numeric, Bounds::Integers(from, to)),
            Values::Text(text) => (Kind::String, Bounds::Bytes(text.into())),
        };
        let mut fields = vec![(field::INDEX_RANGE, pack_index_range(bin, kind, &bounds))];
        let collection = match self.collection {
            None => return Ok(fields),
            Some(Collection::List) => 1,
            Some(Collection::Mapkeys) => 2,
            Some(Collection::Mapvalues) => 3,
        };
        fields.push((field::INDEX_TYPE, vec![collection]));
        Ok(fields)
    }

    fn parsed(&self) -> Result<Option<Range<'_>>, CliError> {
        let Some(text) = &self.range else {
            return Ok(None);
        };
        let wrong = |why: &str| CliError::Usage(format!("--range {text}: {why}"));
        let (bin, values) = match text.split_once(OF) {
            Some((bin, values)) if !bin.is_empty() && !values.is_empty() => (bin, values),
            _ => return Err(wrong("expected BIN:VALUES, as in age:20..30")),
        };
        if bin.len() > usize::from(u8::MAX) {
            return Err(wrong("no bin has so long a name"));
        }
        let ends = values.split_once(TO).filter(|_| !values.starts_with('"'));
        let values = match ends {
            Some((from, to)) => {
                let integer = |text: &str, open| match text {
                    "" => Ok(open),
                    text => text.parse().map_err(|_| {
                        wrong("a range is of integers; put a text with two dots into JSON quotes")
                    }),
                };
                let (from, to) = (integer(from, i64::MIN)?, integer(to, i64::MAX)?);
                if from > to {
                    return Err(wrong("it begins after its end"));
                }
                Values::Integers(from, to)
            }
            None => match value::parse(values)? {
                Value::Int(i) => Values::Integers(i, i),
                Value::String(text) => Values::Text(text),
                _ => return Err(wrong("an index is asked for integers or a text")),
            },
        };
        Ok(Some(Range { bin, values }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> RangeArgs {
        RangeArgs {
            range: Some(text.to_owned()),
            collection: None,
        }
    }

    #[test]
    fn integers_have_two_ends_and_a_text_is_itself() {
        for (text, bin, values) in [
            ("age:20..30", "age", Values::Integers(20, 30)),
            ("age:-3..-1", "age", Values::Integers(-3, -1)),
            ("age:20..", "age", Values::Integers(20, i64::MAX)),
            ("age:..30", "age", Values::Integers(i64::MIN, 30)),
            ("age:..", "age", Values::Integers(i64::MIN, i64::MAX)),
            ("age:20", "age", Values::Integers(20, 20)),
            ("tier:free", "tier", Values::Text("free".into())),
            ("at:12:30", "at", Values::Text("12:30".into())),
            ("n:\"20\"", "n", Values::Text("20".into())),
            ("n:\"a..b\"", "n", Values::Text("a..b".into())),
        ] {
            let typed = typed(text);
            assert_eq!(
                typed.parsed().unwrap(),
                Some(Range { bin, values }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_no_index_is_of_is_wrong_usage() {
        for text in [
            "age", "age:", ":3", "age:a..b", "age:3..2", "age:2.5", "age:true", "l:[1]",
        ] {
            assert!(
                matches!(typed(text).filter(), Err(CliError::Usage(_))),
                "{text}"
            );
            assert!(
                matches!(typed(text).fields(), Err(CliError::Usage(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn without_a_range_all_records_are_meant() {
        let none = RangeArgs {
            range: None,
            collection: None,
        };
        assert_eq!(none.filter().unwrap(), None);
        assert_eq!(none.fields().unwrap(), []);
    }
}
