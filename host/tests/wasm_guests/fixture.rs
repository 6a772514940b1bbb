//! The modules, and records to run them on.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use petrel::change::{RecordContext, Scope};
use petrel::model::{BodyBuilder, Digest, Limits, Meta, Particle, Record, Value};
use petrel::udf::wasm::WasmRuntime;
use petrel::udf::{Allowance, Module, ModuleSource, Runtime};

/// Limits that a loop meets soon.
fn allowance() -> Allowance {
    let limits = Limits {
        time_ms: 400,
        ..Limits::default()
    };
    Allowance::from(&limits)
}

pub fn module(name: &str) -> Arc<dyn Module> {
    module_with(name, allowance())
}

pub fn compiled(name: &str, bytes: Bytes) -> Arc<dyn Module> {
    compiled_with(name, bytes, &allowance())
}

pub fn module_with(name: &str, allowance: Allowance) -> Arc<dyn Module> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/guests-out")
        .join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask guests` first", path.display()));
    compiled_with(name, bytes.into(), &allowance)
}

fn compiled_with(name: &str, bytes: Bytes, allowance: &Allowance) -> Arc<dyn Module> {
    let source = ModuleSource {
        file: format!("{name}.wasm"),
        package: name.into(),
        bytes,
    };
    let stack_bytes = allowance.limits.stack_bytes;
    let runtime = WasmRuntime::new(stack_bytes, 8).expect("the engine starts");
    runtime
        .compile(source, allowance)
        .expect("the example is a good module")
}

pub fn scope() -> Scope {
    Scope {
        namespace: "test".into(),
        sets: Arc::new(vec!["".into(), "users".into()]),
        now: 1000,
        default_ttl: 0,
    }
}

pub fn record(bins: &[(&str, Value)]) -> RecordContext {
    let mut builder = BodyBuilder::new();
    builder.start(None);
    for (name, value) in bins {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        builder.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    let record = Record {
        meta: Meta {
            generation: 3,
            set: 1,
            ..Meta::default()
        },
        body: builder.finish(),
    };
    RecordContext::new(Digest([9; 20]), 1, None, Some(record))
}

pub fn missing() -> RecordContext {
    RecordContext::new(Digest([9; 20]), 1, None, None)
}
