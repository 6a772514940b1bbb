//! Background tasks over 100,000 records: each function in each form.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use petrel_benches::{Fixture, Kind, Workload};

/// Records in the set.
const RECORDS: u64 = 100_000;

fn background(c: &mut Criterion) {
    let fixture = Fixture::bench(RECORDS as i64).expect("the fixture");
    for workload in Workload::BENCH {
        let mut group = c.benchmark_group(format!("background/{}", workload.name));
        group
            .throughput(Throughput::Elements(RECORDS))
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .sample_size(10);
        for kind in Kind::ALL {
            group.bench_function(BenchmarkId::from_parameter(kind.name()), |b| {
                b.iter_custom(|iterations| {
                    fixture.tokio.block_on(async {
                        let started = Instant::now();
                        for _ in 0..iterations {
                            fixture
                                .background(kind, workload, RECORDS)
                                .await
                                .expect("every record succeeds");
                        }
                        started.elapsed()
                    })
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, background);
criterion_main!(benches);
