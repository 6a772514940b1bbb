//! Calls of each function on one record and on a batch of 256, in each form, through the
//! dispatcher: read, run, commit to the memory store.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt as _;
use petrel::request::Group;
use petrel_benches::{Fixture, Kind, Workload};

/// Records per batch.
const BATCH: i64 = 256;

fn invoke(c: &mut Criterion) {
    let bench = Fixture::bench(BATCH).expect("the fixture");
    measure(c, &bench, &Workload::BENCH);
    let examples = Fixture::examples(BATCH).expect("the fixture");
    measure(c, &examples, &Workload::EXAMPLES);
}

fn measure(c: &mut Criterion, fixture: &Fixture, workloads: &[Workload]) {
    let targets: Vec<_> = (0..BATCH)
        .map(|id| fixture.target(id).expect("a key"))
        .collect();
    let dispatcher = fixture.session.dispatcher();
    let namespace = dispatcher.namespace(b"test").expect("the namespace");
    for (size, name) in [(1, "one"), (BATCH as usize, "batch")] {
        for workload in workloads {
            let mut group = c.benchmark_group(format!("invoke/{name}/{}", workload.title()));
            group
                .throughput(Throughput::Elements(size as u64))
                .warm_up_time(Duration::from_millis(300))
                .measurement_time(Duration::from_secs(1))
                .sample_size(20);
            for kind in Kind::ALL {
                group.bench_function(BenchmarkId::from_parameter(kind.name()), |b| {
                    let request = workload.request(kind);
                    b.iter_custom(|iterations| {
                        fixture.tokio.block_on(async {
                            let started = Instant::now();
                            for _ in 0..iterations {
                                let request = request.clone();
                                if size == 1 {
                                    let target = targets[0].clone();
                                    dispatcher.call(namespace, request, target).await;
                                } else {
                                    let group = Group {
                                        namespace: namespace.name.as_bytes().to_vec(),
                                        request: Ok(request),
                                        rows: (0..).zip(targets.clone()).collect(),
                                        error_detail: 0,
                                    };
                                    let replies = dispatcher.batch(vec![group]);
                                    replies.for_each(async |_| ()).await;
                                }
                            }
                            started.elapsed()
                        })
                    });
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, invoke);
criterion_main!(benches);
