//! What a component finds of the outside: all of WASI, and nothing in it.

use std::time::{Duration, Instant};

use petrel::model::{EPOCH_OFFSET_SECS, Value, msgpack};
use petrel::udf::{Budget, Instance, UdfErrorKind, UdfResult};

use crate::fixture::{missing, module, scope};

fn instance() -> Box<dyn Instance> {
    module("outside").instantiate().expect("an instance")
}

fn call(instance: &mut dyn Instance, function: &str, arguments: &[Value]) -> UdfResult {
    let arguments = msgpack::pack_list(arguments.to_vec());
    let mut results = Vec::new();
    instance
        .open(function, &arguments)
        .expect("the function is there")
        .each(&mut [missing()], &scope(), &Budget::default(), &mut results);
    results.remove(0)
}

fn failure(function: &str, arguments: &[Value]) -> (UdfErrorKind, String) {
    let error = call(&mut *instance(), function, arguments).expect_err("the function fails");
    (error.kind, error.message)
}

#[test]
fn there_is_no_environment_no_argument_no_input_and_no_directory() {
    let mut instance = instance();
    let cases = [
        ("given", vec![], Value::Int(0)),
        ("variable", vec!["PATH".into()], Value::Nil),
        ("input_is_empty", vec![], Value::Bool(true)),
        ("directories", vec![], Value::list(vec![])),
    ];
    for (function, arguments, expected) in cases {
        let got = call(&mut *instance, function, &arguments);
        assert_eq!(got, Ok(expected), "{function}");
    }
}

#[test]
fn the_wall_clock_stands_at_the_time_of_the_batch() {
    let expected = EPOCH_OFFSET_SECS as i64 + i64::from(scope().now);
    let got = call(&mut *instance(), "wall", &[]);
    assert_eq!(got, Ok(Value::Int(expected)));
}

#[test]
fn the_monotonic_clock_does_not_move_and_nothing_waits_for_it() {
    let began = Instant::now();
    let moved = call(&mut *instance(), "nap", &[Value::Int(3_600_000)]);
    assert_eq!(moved, Ok(Value::Int(0)));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn random_numbers_are_the_same_in_every_instance() {
    let mut first = instance();
    let numbers = call(&mut *first, "numbers", &[]);
    assert!(numbers.is_ok());
    assert_eq!(numbers, call(&mut *instance(), "numbers", &[]));
    assert_ne!(numbers, call(&mut *first, "numbers", &[]));
}

#[test]
fn an_exit_is_a_failure_whatever_its_status() {
    let (kind, message) = failure("leave", &[]);
    assert_eq!(kind, UdfErrorKind::Trap);
    assert!(message.contains("called exit with status 0"), "{message}");
}

#[test]
fn what_one_instance_makes_the_host_hold_is_bounded() {
    let (_, message) = failure("hoard", &[]);
    assert!(message.contains("resource table"), "{message}");
    let (_, message) = failure("random_bytes", &[Value::Int(1 << 40)]);
    assert!(message.contains("is the most"), "{message}");
    // 40 MiB without an end of line.
    let said = call(&mut *instance(), "drone", &[Value::Int(10_000)]);
    assert_eq!(said, Ok(Value::Nil));
}
