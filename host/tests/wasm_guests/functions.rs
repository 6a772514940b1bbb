//! Functions on records.

use std::time::Duration;

use petrel::change::{Effects, RecordContext};
use petrel::model::{BodyBuilder, ParticleType, Value, msgpack};
use petrel::udf::{Budget, Instance, UdfErrorKind, UdfResult};

use crate::fixture::{compiled, missing, module, record, scope};

fn run(
    instance: &mut dyn Instance,
    function: &str,
    arguments: Vec<Value>,
    batch: &mut [RecordContext],
) -> Vec<UdfResult> {
    let mut results = Vec::new();
    let arguments = msgpack::pack_list(arguments);
    match instance.open(function, &arguments) {
        Ok(open) => open.each(batch, &scope(), &Budget::default(), &mut results),
        Err(e) => results.extend(batch.iter().map(|_| Err(e.clone()))),
    }
    assert_eq!(results.len(), batch.len());
    results
}

fn run_one(
    module: &str,
    function: &str,
    arguments: Vec<Value>,
    mut record: RecordContext,
) -> (UdfResult, Effects) {
    let mut instance = crate::fixture::module(module)
        .instantiate()
        .expect("an instance");
    let mut results = run(
        &mut *instance,
        function,
        arguments,
        std::slice::from_mut(&mut record),
    );
    let effects = record.effects(&scope(), 0, &mut BodyBuilder::new(), &mut Vec::new());
    (
        results.remove(0),
        effects.expect("a record within its limits"),
    )
}

fn bin(effects: &Effects, name: &str) -> Option<Value> {
    match effects {
        Effects::Put(record) => record.body.bin(name.as_bytes())?.try_into().ok(),
        _ => None,
    }
}

fn failure(function: &str, arguments: Vec<Value>) -> (UdfErrorKind, String) {
    let (result, effects) = run_one("misbehave", function, arguments, record(&[]));
    assert!(matches!(effects, Effects::None));
    let error = result.expect_err("the function fails");
    (error.kind, error.to_string())
}

#[test]
fn functions_are_told_as_their_author_wrote_them() {
    let module = module("my_module");
    let functions = module.functions();
    let told: Vec<_> = functions
        .iter()
        .map(|f| (f.to_string(), f.arguments, f.doc.lines().next()))
        .collect();
    let doc = "The record's score, 0 if it has none, multiplied by `factor`.";
    assert_eq!(
        told[0],
        (
            "get_computed_value(factor: i64) -> i64".into(),
            Some(1),
            Some(doc)
        )
    );
    let others: Vec<_> = told[1..].iter().map(|(f, ..)| f.as_str()).collect();
    assert_eq!(
        others,
        [
            "process_record() -> Option<MapBuilder>",
            "transform_record(a: ValueRef, b: ValueRef) -> i64"
        ]
    );
    let sdk = module.built_with().expect("the SDK says what it is");
    assert!(sdk.starts_with("petrel-udf "), "{sdk}");
}

#[test]
fn a_component_of_an_earlier_version_runs_as_before() {
    let module = compiled(
        "before",
        include_bytes!("built_for_0.2.1.wasm").as_slice().into(),
    );
    let told: Vec<_> = module.functions().iter().map(|f| f.to_string()).collect();
    assert_eq!(told, ["visit(1 argument)", "visits()"]);
    assert_eq!(module.built_with(), None);
    let mut instance = module.instantiate().expect("an instance");
    let mut batch = [record(&[("visits", 4.into())]), missing()];
    let results = run(&mut *instance, "visit", vec![2.into()], &mut batch);
    assert_eq!(results, [Ok(Value::Int(6)), Ok(Value::Int(2))]);
}

#[test]
fn a_function_sets_the_bins_that_it_says_it_sets() {
    let module = module("misbehave");
    let functions = module.functions();
    let careless = functions.iter().find(|f| f.name == "careless");
    let writes = careless.and_then(|f| f.writes.clone());
    assert_eq!(writes, Some(vec!["a".into()]));
    let (kind, message) = failure("careless", vec![]);
    assert_eq!(kind, UdfErrorKind::Thrown);
    assert!(message.contains("bin b is not among"), "{message}");
}

#[test]
fn a_transformed_record_keeps_its_bins_and_gains_three() {
    let arguments = vec!["one".into(), 2.into()];
    let before = record(&[("visits", 4.into()), ("name", "ada".into())]);
    let (result, effects) = run_one("my_module", "transform_record", arguments, before);
    assert_eq!(result, Ok(Value::Int(5)));
    assert_eq!(bin(&effects, "name"), Some("ada".into()));
    assert_eq!(bin(&effects, "tag1"), Some("one".into()));
    assert_eq!(bin(&effects, "tag2"), Some(2.into()));
    assert_eq!(bin(&effects, "visits"), Some(5.into()));
}

#[test]
fn a_computed_value_writes_nothing() {
    let before = record(&[("score", 3.into())]);
    let (result, effects) = run_one("my_module", "get_computed_value", vec![42.into()], before);
    assert_eq!(result, Ok(Value::Int(126)));
    assert!(matches!(effects, Effects::None));
    let (result, _) = run_one(
        "my_module",
        "get_computed_value",
        vec![42.into()],
        missing(),
    );
    assert_eq!(result, Ok(Value::Int(0)));
}

#[test]
fn a_processed_record_is_summed_up() {
    let before = record(&[("name", "ada".into()), ("visits", 4.into())]);
    let (result, effects) = run_one("my_module", "process_record", vec![], before);
    let summary = Value::map([("name".into(), "ada".into()), ("visits".into(), 4.into())]);
    assert_eq!(result, Ok(summary));
    assert_eq!(bin(&effects, "processed"), Some(true.into()));
    let (result, _) = run_one("my_module", "process_record", vec![], missing());
    assert_eq!(result, Ok(Value::Nil));
}

#[test]
fn a_score_is_stored_and_returned() {
    let list = Value::list([3.into(), 500.into(), Value::from(-7)]);
    let (result, effects) = run_one("bench", "score", vec![1.into()], record(&[("l", list)]));
    let acc = (3i64 * 31 + 500) * 31 - 7;
    let expected = Value::map([
        ("acc".into(), acc.into()),
        ("best".into(), 500.into()),
        ("tag".into(), "t3".into()),
    ]);
    assert_eq!(bin(&effects, "score"), Some(expected.clone()));
    assert_eq!(result, Ok(expected));
}

#[test]
fn values_of_every_type_pass_unchanged() {
    let nested = Value::list([
        Value::Nil,
        true.into(),
        i64::MIN.into(),
        1.5.into(),
        Value::map([("k".into(), Value::from(vec![1u8, 2]))]),
    ]);
    let mut geo = vec![0, 0, 0];
    geo.extend_from_slice(br#"{"type":"Point"}"#);
    for value in [
        Value::Nil,
        false.into(),
        i64::MAX.into(),
        f64::MIN_POSITIVE.into(),
        "größe".into(),
        vec![0u8; 300].into(),
        Value::Hll(vec![1, 2, 3].into()),
        Value::Geo(geo.into()),
        Value::Blob(ParticleType::PYTHON_BLOB, vec![7].into()),
        Value::map([(1.into(), nested.clone()), ("a".into(), Value::list([]))]),
        nested,
    ] {
        let (result, _) = run_one("misbehave", "echo", vec![value.clone()], missing());
        assert_eq!(result, Ok(value));
    }
}

#[test]
fn failures_say_what_happened() {
    use UdfErrorKind::{Arguments, FunctionNotFound, Memory, Result, Thrown, Timeout, Trap};
    let big = 2 << 20;
    for (function, arguments, kind, says) in [
        (
            "throw",
            vec!["no stock".into()],
            Thrown,
            "misbehave.wasm: no stock",
        ),
        (
            "throw",
            vec![],
            Arguments,
            "throw(message: &str) takes 1 argument, 0 given",
        ),
        (
            "throw",
            vec![1.into()],
            Arguments,
            "argument 1 (message: &str): expected string, found integer",
        ),
        (
            "trap",
            vec![],
            Trap,
            "this function panics, at misbehave/src/lib.rs:",
        ),
        ("spin", vec![], Timeout, "time limit of 400 ms"),
        ("eat", vec![], Memory, "the limit is 67108864"),
        ("deep", vec![], Trap, "call stack exhausted"),
        ("big", vec![big.into()], Result, "2097152 bytes"),
        ("nobody", vec![], FunctionNotFound, "function not found"),
    ] {
        let (found, message) = failure(function, arguments);
        assert_eq!(found, kind, "{function}: {message}");
        assert!(message.contains(says), "{function}: {message:?}");
    }
}

#[test]
fn only_the_culprits_of_a_batch_fail() {
    let mut instance = module("misbehave").instantiate().expect("an instance");
    let mut batch: Vec<_> = (0..300)
        .map(|i| record(&[("bad", (i % 100 == 42).into())]))
        .collect();
    let results = run(&mut *instance, "trap_if_bad", vec![], &mut batch);
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!((i % 100 != 42, value), (true, &Value::Int(1))),
            Err(e) => assert_eq!((i % 100, e.kind), (42, UdfErrorKind::Trap)),
        }
    }
}

#[test]
fn a_loop_costs_its_own_time_only() {
    let mut instance = module("misbehave").instantiate().expect("an instance");
    let began = processor_time();
    let results = run(
        &mut *instance,
        "spin",
        vec![],
        &mut [missing(), missing(), missing()],
    );
    assert!((processor_time() - began).as_millis() < 2000);
    for result in results {
        assert_eq!(result.map_err(|e| e.kind), Err(UdfErrorKind::Timeout));
    }
}

#[test]
fn a_big_bin_is_fetched_when_it_is_touched() {
    let items: Vec<Value> = (0..100_000).map(Value::Int).collect();
    let sum = (0..100_000i64).sum::<i64>();
    let mut batch = [
        record(&[("v", 1.into()), ("l", Value::list([4.into()]))]),
        record(&[("v", 1.into()), ("l", items.into())]),
    ];
    let mut instance = module("bench").instantiate().expect("an instance");
    let results = run(&mut *instance, "listsum", vec![], &mut batch);
    assert_eq!(results, [Ok(Value::Int(4)), Ok(Value::Int(sum))]);
}

#[test]
fn an_instance_does_not_grow_with_the_work_done() {
    let mut instance = module("bench").instantiate().expect("an instance");
    let list = Value::list((0..16).map(Value::Int).collect::<Vec<_>>());
    for _ in 0..2_000 {
        let mut batch: Vec<_> = (0..256).map(|_| record(&[("l", list.clone())])).collect();
        let results = run(&mut *instance, "score", vec![], &mut batch);
        assert!(results.iter().all(Result::is_ok));
    }
}

/// What this thread has run for: other tests run beside it.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel");
    let nanos = text.split_whitespace().next().expect("a number");
    Duration::from_nanos(nanos.parse().expect("a number"))
}
