//! The aggregations of `aggregate` as Rust inside the host, and the records that they fold.

use std::collections::BTreeMap;

use petrel::change::{RecordContext, Scope};
use petrel::model::{Value, msgpack};
use petrel::udf::{
    Aggregator, Budget, FunctionInfo, Instance, Invoker, Module, UdfError, UdfErrorKind,
};

/// Groups of the sums, and how many values are the largest.
const GROUPS: i64 = 1_000;
const LARGEST: usize = 10;

/// A function, and its arguments.
type Named = (&'static str, fn() -> Vec<Value>);

/// The functions, with their arguments.
pub const AGGREGATIONS: [Named; 4] = [
    ("count", Vec::new),
    ("sum", || vec!["v".into()]),
    ("group_sum", || vec!["v".into(), GROUPS.into()]),
    ("top_k", || vec!["v".into(), Value::Int(LARGEST as i64)]),
];

/// The native module.
pub struct NativeAggregations;

impl Module for NativeAggregations {
    fn functions(&self) -> Vec<FunctionInfo> {
        Vec::new()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        Ok(Box::new(Open(State::Count(0))))
    }
}

struct Open(State);

/// What has been folded so far.
enum State {
    Count(i64),
    Sum(i64),
    Groups(BTreeMap<i64, i64>),
    /// The largest first.
    Largest(Vec<i64>),
}

impl State {
    fn of(function: &str) -> Result<Self, UdfError> {
        Ok(match function {
            "count" => Self::Count(0),
            "sum" => Self::Sum(0),
            "group_sum" => Self::Groups(BTreeMap::new()),
            "top_k" => Self::Largest(Vec::new()),
            _ => return Err(error("function not found")),
        })
    }

    fn fold(&mut self, v: i64) {
        match self {
            Self::Count(n) => *n += 1,
            Self::Sum(sum) => *sum += v,
            Self::Groups(sums) => *sums.entry(v % GROUPS).or_default() += v,
            Self::Largest(top) => {
                if top.len() < LARGEST || top.last().is_some_and(|least| v > *least) {
                    let at = top.partition_point(|other| *other >= v);
                    top.insert(at, v);
                    top.truncate(LARGEST);
                }
            }
        }
    }

    /// As a value, leaving it empty.
    fn take(&mut self) -> Value {
        match self {
            Self::Count(n) | Self::Sum(n) => std::mem::take(n).into(),
            Self::Groups(sums) => Value::map(
                std::mem::take(sums)
                    .into_iter()
                    .map(|(k, v)| (k.into(), v.into())),
            ),
            Self::Largest(top) => Value::list(std::mem::take(top).into_iter().map(Value::from)),
        }
    }

    fn merge(&mut self, partial: &Value) -> Result<(), UdfError> {
        let malformed = |_| error("a partial value is malformed");
        match (self, partial) {
            (Self::Count(n) | Self::Sum(n), Value::Int(more)) => *n += more,
            (Self::Groups(sums), Value::Map(packed)) => {
                for entry in msgpack::map_entries(packed).map_err(malformed)? {
                    if let (Value::Int(k), Value::Int(v)) = entry {
                        *sums.entry(k).or_default() += v;
                    }
                }
            }
            (state @ Self::Largest(_), Value::List(packed)) => {
                for element in msgpack::list_items(packed).map_err(malformed)? {
                    if let Value::Int(v) = element {
                        state.fold(v);
                    }
                }
            }
            _ => return Err(error("a partial value is of another type")),
        }
        Ok(())
    }
}

fn error(text: &str) -> UdfError {
    UdfError::new(UdfErrorKind::Thrown, text)
}

impl Instance for Open {
    fn open(&mut self, _: &str, _: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        Err(error("function not found"))
    }

    fn aggregate(
        &mut self,
        function: &str,
        _: &[u8],
        _: &Budget,
    ) -> Result<&mut dyn Aggregator, UdfError> {
        self.0 = State::of(function)?;
        Ok(self)
    }

    fn aggregator(&mut self) -> Option<&mut dyn Aggregator> {
        Some(self)
    }
}

impl Aggregator for Open {
    fn fold(
        &mut self,
        batch: &mut [RecordContext],
        _: &Scope,
        _: &Budget,
        _: &mut Vec<Value>,
    ) -> Result<(), UdfError> {
        for record in batch {
            let bin = match self.0 {
                State::Count(_) => Some(0),
                _ => record.stored_bin(b"v").and_then(|p| p.as_int()),
            };
            if let Some(v) = bin {
                self.0.fold(v);
            }
        }
        Ok(())
    }

    fn take(&mut self, _: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        values.push(self.0.take());
        Ok(())
    }

    fn merge(&mut self, partial: &[Value], _: &Budget) -> Result<(), UdfError> {
        partial.iter().try_for_each(|value| self.0.merge(value))
    }

    fn finish(&mut self, _: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        values.push(self.0.take());
        Ok(())
    }
}
