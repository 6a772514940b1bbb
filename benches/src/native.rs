//! Modules as Rust closures inside the host: what a call costs when no runtime is in the way.
//! They go through the same store and commit path as the others. The functions of `bench` are here.

use petrel::change::{RecordContext, Scope};
use petrel::model::{BinName, Particle, Value, msgpack};
use petrel::udf::{
    Budget, FunctionInfo, Instance, Invoker, Module, UdfError, UdfErrorKind, UdfResult,
};

pub(crate) type Function = fn(&mut RecordContext, &[Value]) -> UdfResult;

pub(crate) const BENCH: &[(&str, Function)] = &[
    ("noop", |_, _| Ok(Value::Int(1))),
    ("bump", bump),
    ("listsum", listsum),
    ("fnv", |_, _| Ok(Value::Int(fnv()))),
    ("score", score),
];

/// A native module: its functions.
pub(crate) struct Native(pub(crate) &'static [(&'static str, Function)]);

impl Module for Native {
    fn functions(&self) -> Vec<FunctionInfo> {
        let info = |(name, _): &(&str, Function)| FunctionInfo {
            name: (*name).into(),
            ..FunctionInfo::default()
        };
        self.0.iter().map(info).collect()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        Ok(Box::new(Open {
            functions: self.0,
            function: |_, _| Err(missing()),
            args: Vec::new(),
        }))
    }
}

/// An open function.
struct Open {
    functions: &'static [(&'static str, Function)],
    function: Function,
    args: Vec<Value>,
}

impl Instance for Open {
    fn open(&mut self, function: &str, args: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        let found = self.functions.iter().find(|(name, _)| *name == function);
        let unknown = || failure(UdfErrorKind::FunctionNotFound, "function not found");
        self.function = found.ok_or_else(unknown)?.1;
        self.args = msgpack::list_items(args).unwrap_or_default();
        Ok(self)
    }
}

impl Invoker for Open {
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        _: &Scope,
        _: &Budget,
        results: &mut Vec<UdfResult>,
    ) {
        results.extend(batch.iter_mut().map(|r| (self.function)(r, &self.args)));
    }
}

fn failure(kind: UdfErrorKind, message: &str) -> UdfError {
    UdfError::new(kind, message)
}

pub(crate) fn failed(message: &str) -> UdfError {
    failure(UdfErrorKind::Thrown, message)
}

pub(crate) fn missing() -> UdfError {
    failed("a bin or argument is missing or has another type")
}

pub(crate) fn set(record: &mut RecordContext, name: &[u8], value: Value) -> Result<(), UdfError> {
    record.set_bin(BinName::new(name).ok_or_else(missing)?, value);
    record.update();
    Ok(())
}

fn bump(record: &mut RecordContext, args: &[Value]) -> UdfResult {
    let present = record.stored_bin(b"v").and_then(|p| p.as_int());
    let (Some(v), Some(Value::Int(n))) = (present, args.first()) else {
        return Err(missing());
    };
    let v = v.wrapping_add(*n);
    set(record, b"v", Value::Int(v))?;
    Ok(Value::Int(v))
}

/// Calls `each` with the integers of the list bin `l`.
fn integers(record: &RecordContext, mut each: impl FnMut(i64)) -> Result<(), UdfError> {
    let list: Particle<'_> = record.stored_bin(b"l").ok_or_else(missing)?;
    let mut items = msgpack::Reader::new(list.data);
    let malformed = |_| missing();
    for _ in 0..items.list().map_err(malformed)? {
        match items.item().map_err(malformed)? {
            msgpack::Item::Int(x) => each(x),
            _ => return Err(missing()),
        }
    }
    Ok(())
}

fn listsum(record: &mut RecordContext, _: &[Value]) -> UdfResult {
    let mut sum = 0i64;
    integers(record, |x| sum = sum.wrapping_add(x))?;
    Ok(Value::Int(sum))
}

fn fnv() -> i64 {
    // Opaque to the compiler, which would otherwise run the loop itself.
    let mut h: i64 = std::hint::black_box(0x7bf2_9ce4_8422_2325);
    for i in 0..1000i64 {
        h = (h ^ (i & 0xff)).wrapping_mul(0x100_0000_01b3);
    }
    h
}

fn score(record: &mut RecordContext, _: &[Value]) -> UdfResult {
    let (mut best, mut acc) = (0i64, 0i64);
    integers(record, |x| {
        acc = acc.wrapping_mul(31).wrapping_add(x);
        best = best.max(x);
    })?;
    let summary = Value::map([
        ("acc".into(), acc.rem_euclid(1_000_003).into()),
        ("best".into(), best.into()),
        ("tag".into(), format!("t{}", best.rem_euclid(7)).into()),
    ]);
    set(record, b"score", summary.clone())?;
    Ok(summary)
}
