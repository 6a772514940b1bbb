//! What it costs to run a function or an aggregation over a record in Wasm, in nanoseconds per
//! record, by how many records a batch has. Needs the guests (`cargo xtask guests`):
//!
//!     cargo run --release --example wasm_boundary

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use petrel::change::{RecordContext, Scope};
use petrel::model::{
    BodyBuilder, Digest, Limits, Meta, Particle, ParticleType, Record, Value, msgpack,
};
use petrel::udf::wasm::WasmRuntime;
use petrel::udf::{Budget, Module, ModuleSource, Runtime};

const RECORDS: usize = 1 << 17;

/// A guest, compiled.
fn compile(name: &str) -> anyhow::Result<Arc<dyn Module>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/guests-out")
        .join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path)
        .map_err(|e| anyhow::anyhow!("{}: {e}; run `cargo xtask guests`", path.display()))?;
    let limits = Limits::default();
    let runtime = WasmRuntime::new(limits.stack_bytes, 8)?;
    let source = ModuleSource {
        file: format!("{name}.wasm"),
        package: name.into(),
        bytes: bytes.into(),
    };
    Ok(runtime.compile(source, &(&limits).into())?)
}

/// Calls `run` with batches of so many records, three times over all; the best in nanoseconds per
/// record.
fn measure(
    records: &[Record],
    batch: usize,
    mut run: impl FnMut(&mut [RecordContext]) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let mut best = f64::MAX;
    let mut contexts = Vec::with_capacity(batch);
    for _ in 0..3 {
        let mut spent = 0.0;
        for chunk in records.chunks(batch) {
            let context =
                |r: &Record| RecordContext::new(Digest([7; 20]), 1, None, Some(r.clone()));
            contexts.extend(chunk.iter().map(context));
            let began = Instant::now();
            run(&mut contexts)?;
            spent += began.elapsed().as_secs_f64();
            contexts.clear();
        }
        best = f64::min(best, spent * 1e9 / records.len() as f64);
    }
    Ok(best)
}

fn main() -> anyhow::Result<()> {
    let began = Instant::now();
    let module = compile("bench")?;
    println!("compile: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    for _ in 0..1000 {
        drop(module.instantiate()?);
    }
    println!("instantiate: {:.1} us", began.elapsed().as_secs_f64() * 1e3);

    let scope = Scope {
        namespace: "test".into(),
        sets: Arc::new(vec!["".into(), "users".into()]),
        now: 500_000_000,
        default_ttl: 0,
    };
    let records: Vec<Record> = (0..RECORDS as i64).map(record).collect();
    let arguments = msgpack::pack_list([Value::Int(1)]);
    let budget = Budget::default();
    println!("{:>9} {:>8} {:>8} {:>8}", "ns/rec", "1", "16", "256");
    for function in ["noop", "bump", "listsum", "fnv", "score"] {
        print!("{function:>9}");
        let args: &[u8] = match function {
            "bump" | "score" => &arguments,
            _ => &[],
        };
        for batch in [1, 16, 256] {
            let mut instance = module.instantiate()?;
            let open = instance.open(function, args)?;
            let mut results = Vec::with_capacity(batch);
            let took = measure(&records, batch, |contexts| {
                open.each(contexts, &scope, &budget, &mut results);
                results
                    .drain(..)
                    .try_for_each(|result| result.map(|_| ()))?;
                Ok(())
            })?;
            print!(" {took:>8.0}");
        }
        println!();
    }
    let module = compile("aggregate")?;
    for (aggregation, arguments) in [
        ("count", vec![]),
        ("sum", vec!["v".into()]),
        ("group_sum", vec!["v".into(), 1000.into()]),
        ("top_k", vec!["v".into(), 10.into()]),
    ] {
        print!("{aggregation:>9}");
        let arguments = msgpack::pack_list(arguments);
        for batch in [1, 16, 256] {
            let mut instance = module.instantiate()?;
            let open = instance.aggregate(aggregation, &arguments, &budget)?;
            let took = measure(&records, batch, |contexts| {
                Ok(open.fold(contexts, &scope, &budget, &mut Vec::new())?)
            })?;
            print!(" {took:>8.0}");
        }
        println!();
    }
    Ok(())
}

fn record(i: i64) -> Record {
    let mut builder = BodyBuilder::new();
    let put = |builder: &mut BodyBuilder, name: &str, value: Value| {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        builder.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    };
    builder.start(Some(Particle::new(ParticleType::INTEGER, &i.to_be_bytes())));
    put(&mut builder, "v", i.into());
    put(&mut builder, "s", format!("{i:016}").into());
    let items: Vec<Value> = (0..16).map(|x| (i.wrapping_mul(x) % 1000).into()).collect();
    put(&mut builder, "l", items.into());
    Record {
        meta: Meta {
            generation: 1,
            set: 1,
            ..Meta::default()
        },
        body: builder.finish(),
    }
}
