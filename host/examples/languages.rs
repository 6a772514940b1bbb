//! What `my_module` costs in each language, in nanoseconds per record. Names the files of modules:
//!
//!     cargo run --release --example languages -- udfs/lua/my_module.lua target/guests-out/my_module.wasm

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use petrel::change::{RecordContext, Scope};
use petrel::model::{BodyBuilder, Digest, Limits, Meta, Particle, Record, Value, msgpack};
use petrel::udf::lua::LuaRuntime;
use petrel::udf::wasm::WasmRuntime;
use petrel::udf::{Budget, Module, ModuleSource, Runtime, Sources};

/// Records of a batch.
const BATCH: usize = 256;

/// How long a function is measured.
const TIME: Duration = Duration::from_millis(1500);

struct NoSources;

impl Sources for NoSources {
    fn source(&self, _: &str) -> Option<ModuleSource> {
        None
    }

    fn epoch(&self) -> u64 {
        0
    }
}

fn compile(path: &Path) -> anyhow::Result<Arc<dyn Module>> {
    let bytes = std::fs::read(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let limits = Limits {
        module_bytes: bytes.len(),
        ..Limits::default()
    };
    let wasm = WasmRuntime::new(limits.stack_bytes, 8)?;
    let source = ModuleSource {
        file: file.clone().into(),
        package: "my_module".into(),
        bytes: bytes.into(),
    };
    if wasm.accepts(&source.bytes) {
        return Ok(wasm.compile(source, &limits)?);
    }
    Ok(LuaRuntime::new(Arc::new(NoSources)).compile(source, &limits)?)
}

fn record(i: i64) -> RecordContext {
    let mut body = BodyBuilder::new();
    body.start(None);
    let bins: [(&str, Value); 4] = [
        ("name", format!("user{i}").into()),
        ("tier", "gold".into()),
        ("score", i.into()),
        ("visits", 3.into()),
    ];
    for (name, value) in bins {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        body.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    let meta = Meta {
        generation: 1,
        set: 1,
        ..Meta::default()
    };
    let record = Record {
        meta,
        body: body.finish(),
    };
    RecordContext::new(Digest([7; 20]), 1, None, Some(record))
}

fn main() -> anyhow::Result<()> {
    let scope = Scope {
        namespace: "test".into(),
        sets: Arc::new(vec!["".into(), "users".into()]),
        now: 500_000_000,
        default_ttl: 0,
    };
    let calls: [(&str, Vec<Value>); 3] = [
        ("get_computed_value", vec![3.into()]),
        ("transform_record", vec!["a".into(), 7.into()]),
        ("process_record", vec![]),
    ];
    println!(
        "{:<44} {:>9} {:>9} {:>11}{}",
        "module",
        "bytes",
        "compile",
        "instantiate",
        calls
            .each_ref()
            .map(|(name, _)| format!(" {name:>19}"))
            .concat()
    );
    for file in std::env::args().skip(1) {
        let path = Path::new(&file);
        let began = Instant::now();
        let module = compile(path)?;
        let compile = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let mut instance = module.instantiate()?;
        let instantiate = began.elapsed().as_secs_f64() * 1e6;
        let bytes = std::fs::metadata(path)?.len();
        print!("{file:<44} {bytes:>9} {compile:>7.2} s {instantiate:>8.0} us");
        for (name, arguments) in &calls {
            let arguments = msgpack::pack_list(arguments.iter().cloned());
            let mut batch: Vec<_> = (0..BATCH as i64).map(record).collect();
            let mut results = Vec::with_capacity(BATCH);
            let (mut spent, mut best) = (Duration::ZERO, Duration::MAX);
            while spent < TIME {
                let open = instance.open(name, &arguments)?;
                results.clear();
                let began = Instant::now();
                open.each(&mut batch, &scope, &Budget::default(), &mut results);
                let took = began.elapsed();
                if let Some(Err(error)) = results.first() {
                    anyhow::bail!("{file}, {name}: {error}");
                }
                best = best.min(took);
                spent += took;
                batch.iter_mut().for_each(RecordContext::reset);
            }
            let nanos = best.as_secs_f64() * 1e9 / BATCH as f64;
            print!(" {nanos:>16.0} ns");
        }
        println!();
    }
    Ok(())
}
