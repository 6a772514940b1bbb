//! What modules can do, and cannot.

mod collections;
mod hostile;
mod limits;
mod modules;
mod outside;
mod packed;
mod patterns;
mod record;
mod sandbox;
mod speed;
mod stack;
mod streams;
mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::LuaRuntime;
use crate::change::{Effects, RecordContext, Scope};
use crate::model::msgpack::pack_list;
use crate::model::{
    Body, BodyBuilder, Digest, Limits, Meta, Particle, ParticleType, Record, Value,
};
use crate::udf::{
    Budget, Cancel, CompileError, Instance, Module, ModuleSource, Runtime, Sources, UdfErrorKind,
    UdfResult,
};

/// Modules that tests can `require`.
struct Library;

impl Sources for Library {
    fn source(&self, package: &str) -> Option<ModuleSource> {
        match package {
            "helper" => Some(source(
                "helper",
                "local M = {} function M.twice(x) return x * 2 end return M",
            )),
            "long" => Some(source("long", &"x = 1 ".repeat(1 << 18))),
            _ => None,
        }
    }

    fn epoch(&self) -> u64 {
        0
    }
}

fn source(package: &str, text: &str) -> ModuleSource {
    ModuleSource {
        file: format!("{package}.lua"),
        package: package.into(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn compile(text: &str) -> Result<Arc<dyn Module>, CompileError> {
    compile_within(text, &Limits::default())
}

fn compile_within(text: &str, limits: &Limits) -> Result<Arc<dyn Module>, CompileError> {
    LuaRuntime::new(Arc::new(Library)).compile(source("test", text), &limits.into())
}

fn scope() -> Scope {
    Scope {
        namespace: "test".into(),
        sets: Arc::new(vec![Arc::from(""), Arc::from("users")]),
        now: 500_000_000,
        default_ttl: 0,
    }
}

fn body(bins: &[(&str, Value)]) -> Body {
    let mut b = BodyBuilder::new();
    b.start(None);
    let mut data = Vec::new();
    for (name, value) in bins {
        data.clear();
        value.write_particle(&mut data);
        b.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    b.finish()
}

fn context(bins: &[(&str, Value)]) -> RecordContext {
    let record = Record {
        meta: Meta {
            generation: 3,
            set: 1,
            void_time: 500_000_100,
            last_update: 7,
        },
        body: body(bins),
    };
    RecordContext::new(Digest([7; 20]), 1, None, Some(record))
}

fn missing() -> RecordContext {
    RecordContext::new(Digest([7; 20]), 1, Some("k".into()), None)
}

fn run_with(
    instance: &mut dyn Instance,
    function: &str,
    args: Vec<Value>,
    batch: &mut [RecordContext],
) -> Vec<UdfResult> {
    let mut results = Vec::new();
    match instance.open(function, &pack_list(args)) {
        Ok(open) => open.each(batch, &scope(), &Budget::default(), &mut results),
        Err(e) => results.extend(batch.iter().map(|_| Err(e.clone()))),
    }
    results
}

fn run(text: &str, args: Vec<Value>, context: &mut RecordContext) -> UdfResult {
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let batch = std::slice::from_mut(context);
    run_with(&mut *instance, "f", args, batch).remove(0)
}

/// What `f` returns that has `body`, over a record of a few bins.
fn eval(body: &str) -> UdfResult {
    let mut context = context(&[
        ("a", 1.into()),
        ("l", Value::list([1.into(), 2.into(), 3.into()])),
        ("m", Value::map([("x".into(), 1.into())])),
    ]);
    run(
        &format!("function f(rec, ...) {body}\nend"),
        vec![],
        &mut context,
    )
}

fn text_of(result: UdfResult) -> String {
    match result {
        Ok(value) => value
            .as_str()
            .map(str::to_owned)
            .unwrap_or(format!("{value:?}")),
        Err(e) => format!("error: {e}"),
    }
}

/// Each row is a function's body and what `tostring` of its result must be.
fn table(rows: &[(&str, &str)]) {
    for (body, expected) in rows {
        assert_eq!(text_of(eval(body)), *expected, "{body}");
    }
}

fn stored(context: &RecordContext) -> Option<Vec<(String, Value)>> {
    let mut scratch = Vec::new();
    match context.effects(&scope(), 9, &mut BodyBuilder::new(), &mut scratch) {
        Ok(Effects::Put(record)) => Some(
            record
                .body
                .bins()
                .map(|(name, p)| {
                    let value = Value::from_particle(p.kind, Bytes::copy_from_slice(p.data));
                    (String::from_utf8_lossy(name).into(), value.expect("valid"))
                })
                .collect(),
        ),
        _ => None,
    }
}

/// The processor time of this thread, which other work on the machine does not lengthen.
fn thread_nanos() -> f64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the struct is valid for writing.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t) };
    t.tv_sec as f64 * 1e9 + t.tv_nsec as f64
}
