//! Aggregations of 100,000 records, to the last reduce: each function in each form.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use petrel::model::{Value, msgpack};
use petrel::session::{DataSet, Session};
use petrel_benches::{AGGREGATIONS, Kind, NativeAggregations, module_bytes};
use tokio::runtime::Runtime;

/// Records in the set.
const RECORDS: i64 = 100_000;
/// The module, in each form.
const MODULE: &str = "aggregate";

/// Records of `{v: their number, s: 16 characters}`, and the modules.
async fn fixture() -> (Session, DataSet) {
    let session = Session::builder().memory().build().expect("a session");
    let registry = session.dispatcher().registry();
    registry.insert(
        &format!("{MODULE}_native.native"),
        "NATIVE",
        Arc::new(NativeAggregations),
    );
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Native) {
        let bytes = module_bytes(kind, MODULE).expect("the module");
        let file = format!("{MODULE}_{0}.{0}", kind.name());
        let registered = session.info().register_udf_bytes(&file, bytes).await;
        registered.expect("the module is taken");
    }
    let records = DataSet::of("test", "aggregate");
    for v in 0..RECORDS {
        let insert = session.insert(records.id(v)).bin("v").set_to(v);
        let inserted = insert.bin("s").set_to("sixteen letters!").execute().await;
        inserted.expect("a record");
    }
    (session, records)
}

async fn aggregate(session: &Session, records: &DataSet, package: &str, at: usize) -> Value {
    let (function, args) = AGGREGATIONS[at];
    let query = session.query(records).aggregate(package, function, args());
    let values = query.execute().await.expect("it starts").all().await;
    let mut values = values.expect("it ends well");
    assert_eq!(values.len(), 1, "{function}");
    match values.remove(0) {
        // Runtimes differ in what a map says of its order.
        Value::Map(packed) => Value::map(msgpack::map_entries(&packed).expect("a map")),
        value => value,
    }
}

fn aggregations(c: &mut Criterion) {
    let tokio = Runtime::new().expect("a runtime");
    let (session, records) = tokio.block_on(fixture());
    for (at, (function, _)) in AGGREGATIONS.into_iter().enumerate() {
        let mut group = c.benchmark_group(format!("aggregate/{function}"));
        group
            .throughput(Throughput::Elements(RECORDS as u64))
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .sample_size(10);
        let mut first = None;
        for kind in Kind::ALL {
            let package = format!("{MODULE}_{}", kind.name());
            let run = async || aggregate(&session, &records, &package, at).await;
            // A bench of functions that do not do the same work would compare nothing.
            let result = tokio.block_on(run());
            assert_eq!(*first.get_or_insert(result.clone()), result, "{function}");
            group.bench_function(BenchmarkId::from_parameter(kind.name()), |b| {
                b.iter_custom(|iterations| {
                    tokio.block_on(async {
                        let started = Instant::now();
                        for _ in 0..iterations {
                            run().await;
                        }
                        started.elapsed()
                    })
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, aggregations);
criterion_main!(benches);
