//! What a module costs before it runs: compiling it, as at registration, and a fresh instance (a
//! Lua state, a Wasm instance) with its first call.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use petrel::change::RecordContext;
use petrel::model::{Digest, Value, msgpack};
use petrel::session::Session;
use petrel::udf::Budget;
use petrel_benches::{Kind, module_bytes};
use tokio::runtime::Runtime;

fn module(c: &mut Criterion) {
    let tokio = Runtime::new().expect("a tokio runtime");
    let session = {
        let _inside = tokio.enter();
        Session::builder().memory().build().expect("a session")
    };
    let registry = session.dispatcher().registry();
    let kinds = [Kind::Wasm, Kind::Lua];

    let mut group = c.benchmark_group("module/compile");
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10);
    for kind in kinds {
        let bytes = module_bytes(kind, "bench").expect("the bench module");
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |b| {
            b.iter_custom(|iterations| {
                tokio.block_on(async {
                    let started = Instant::now();
                    for _ in 0..iterations {
                        registry
                            .register(kind.name(), bytes.clone().into())
                            .await
                            .expect("the module compiles");
                    }
                    started.elapsed()
                })
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("module/instantiate and call");
    group
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    let namespace = session.dispatcher().namespace(b"test");
    let scope = namespace.expect("the namespace").scope();
    let digest = Digest::of("bench", &Value::Int(1)).expect("a digest");
    let no_arguments = msgpack::pack_list(Vec::<Value>::new());
    let budget = Budget::default();
    for kind in kinds {
        let bytes = module_bytes(kind, "bench").expect("the bench module");
        tokio
            .block_on(registry.register(kind.name(), bytes.into()))
            .expect("the module compiles");
        let registered = registry.find(kind.name()).expect("it was registered");
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |b| {
            b.iter(|| {
                let mut instance = registered.module.instantiate().expect("an instance");
                let noop = instance.open("noop", &no_arguments).expect("a function");
                let mut records = [RecordContext::new(digest, 0, None, None)];
                let mut results = Vec::new();
                noop.each(&mut records, &scope, &budget, &mut results);
                assert_eq!(results, [Ok(Value::Int(1))]);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, module);
criterion_main!(benches);
