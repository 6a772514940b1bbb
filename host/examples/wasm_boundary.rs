//! What it costs to run a function over a record in Wasm, in nanoseconds per record, by how
//! many records a batch has. Needs the guests (`cargo xtask guests`):
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
use petrel::udf::{Budget, ModuleSource, Runtime};

const RECORDS: usize = 1 << 17;

fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests-out/bench.wasm");
    let bytes = std::fs::read(&path)
        .map_err(|e| anyhow::anyhow!("{}: {e}; run `cargo xtask guests`", path.display()))?;
    let limits = Limits::default();
    let runtime = WasmRuntime::new(limits.stack_bytes, 8)?;
    let began = Instant::now();
    let module = runtime.compile(
        ModuleSource {
            file: "bench.wasm".into(),
            package: "bench".into(),
            bytes: bytes.into(),
        },
        &limits,
    )?;
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
    println!("{:>8} {:>8} {:>8} {:>8}", "ns/rec", "1", "16", "256");
    for function in ["noop", "bump", "listsum", "fnv", "score"] {
        print!("{function:>8}");
        let args: &[u8] = match function {
            "bump" | "score" => &arguments,
            _ => &[],
        };
        for batch in [1, 16, 256] {
            let mut instance = module.instantiate()?;
            let open = instance.open(function, args)?;
            let mut best = f64::MAX;
            for _ in 0..3 {
                let mut spent = 0.0;
                let mut contexts = Vec::with_capacity(batch);
                let mut results = Vec::with_capacity(batch);
                for chunk in records.chunks(batch) {
                    contexts.extend(
                        chunk
                            .iter()
                            .map(|r| RecordContext::new(Digest([7; 20]), 1, None, Some(r.clone()))),
                    );
                    let began = Instant::now();
                    open.each(&mut contexts, &scope, &budget, &mut results);
                    spent += began.elapsed().as_secs_f64();
                    if let Some(Err(e)) = results.iter().find(|r| r.is_err()) {
                        anyhow::bail!("{function}: {e}");
                    }
                    contexts.clear();
                    results.clear();
                }
                best = f64::min(best, spent * 1e9 / RECORDS as f64);
            }
            print!(" {best:>8.0}");
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
