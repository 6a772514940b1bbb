//! How long a call takes.

use super::*;

/// Run with `cargo test --release lua -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn nanoseconds_per_record() {
    let text = include_str!("../../../../../udfs/lua/bench.lua");
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let list = Value::list(
        (0..16)
            .map(|i| Value::Int(i * 37 % 101))
            .collect::<Vec<_>>(),
    );
    let bins = [
        ("v", 5.into()),
        ("s", "sixteen letters!".into()),
        ("l", list),
    ];
    let mut batch: Vec<_> = (0..256).map(|_| context(&bins)).collect();
    for (function, args) in [
        ("noop", vec![]),
        ("bump", vec![1.into()]),
        ("listsum", vec![]),
        ("score", vec![1.into()]),
        ("fnv", vec![]),
    ] {
        let args = pack_list(args);
        let (scope, budget) = (scope(), Budget::default());
        let open = instance.open(function, &args).expect("opens");
        let mut results = Vec::new();
        let mut best = f64::MAX;
        for _ in 0..5 {
            let start = thread_nanos();
            for _ in 0..400 {
                results.clear();
                batch.iter_mut().for_each(RecordContext::reset);
                open.each(&mut batch, &scope, &budget, &mut results);
            }
            best = best.min((thread_nanos() - start) / (400.0 * 256.0));
        }
        assert!(results.iter().all(Result::is_ok), "{:?}", results[0]);
        println!("{function:8} {best:7.0} ns/record");
    }
}
