//! Aggregations over records.

use std::thread;
use std::time::Duration;

use petrel::change::RecordContext;
use petrel::model::{Value, msgpack};
use petrel::udf::{Aggregator, Budget, Cancel, Instance, UdfError, UdfErrorKind};

use crate::fixture::{module, record, scope};

fn instance(module_name: &str) -> Box<dyn Instance> {
    module(module_name).instantiate().expect("an instance")
}

fn open<'a>(
    instance: &'a mut dyn Instance,
    name: &str,
    arguments: &[Value],
) -> Result<&'a mut dyn Aggregator, UdfError> {
    let arguments = msgpack::pack_list(arguments.iter().cloned());
    instance.aggregate(name, &arguments, &Budget::default())
}

fn fold(open: &mut dyn Aggregator, records: &mut [RecordContext]) -> Result<(), UdfError> {
    let mut values = Vec::new();
    open.fold(records, &scope(), &Budget::default(), &mut values)?;
    assert_eq!(values, []);
    Ok(())
}

fn take(open: &mut dyn Aggregator) -> Result<Vec<Value>, UdfError> {
    let mut values = Vec::new();
    open.take(&Budget::default(), &mut values).map(|()| values)
}

fn finish(open: &mut dyn Aggregator) -> Result<Vec<Value>, UdfError> {
    let mut values = Vec::new();
    open.finish(&Budget::default(), &mut values)
        .map(|()| values)
}

fn records(values: impl Iterator<Item = i64>) -> Vec<RecordContext> {
    values.map(|v| record(&[("v", v.into())])).collect()
}

/// The four aggregations, with what they come to over the values 0 to 9,999.
fn cases() -> [(&'static str, Vec<Value>, Value); 4] {
    let group = |g: i64| {
        (
            g.into(),
            (0..10_000).filter(|v| v % 1000 == g).sum::<i64>().into(),
        )
    };
    [
        ("count", vec![], 10_000.into()),
        ("sum", vec!["v".into()], (0..10_000).sum::<i64>().into()),
        (
            "group_sum",
            vec!["v".into(), 1000.into()],
            Value::map((0..1000).map(group)),
        ),
        (
            "top_k",
            vec!["v".into(), 3.into()],
            Value::list([9_999.into(), 9_998.into(), 9_997.into()]),
        ),
    ]
}

#[test]
fn shares_folded_apart_and_merged_come_to_the_same_as_all_in_one() {
    let (mut one, mut other) = (instance("aggregate"), instance("aggregate"));
    for (name, arguments, expected) in cases() {
        let whole = open(&mut *one, name, &arguments).expect(name);
        fold(whole, &mut records(0..10_000)).expect(name);
        let values = finish(whole).expect(name);
        assert_eq!(values, std::slice::from_ref(&expected), "{name}");

        let share = open(&mut *other, name, &arguments).expect(name);
        fold(share, &mut records((0..10_000).filter(|v| v % 3 == 0))).expect(name);
        let partial = take(share).expect(name);
        assert_eq!(partial.len(), 1, "{name}");
        let rest = open(&mut *one, name, &arguments).expect(name);
        fold(rest, &mut records((0..10_000).filter(|v| v % 3 != 0))).expect(name);
        rest.merge(&partial, &Budget::default()).expect(name);
        assert_eq!(finish(rest).expect(name), [expected], "{name}");
    }
}

#[test]
fn an_empty_state_has_nothing_to_take_and_finishes_all_the_same() {
    let mut instance = instance("aggregate");
    let open = open(&mut *instance, "count", &[]).expect("count opens");
    assert_eq!(take(open), Ok(vec![]));
    assert_eq!(finish(open), Ok(vec![0.into()]));
    fold(open, &mut records(0..3)).expect("records are counted");
    assert_eq!(take(open), Ok(vec![3.into()]));
    assert_eq!(take(open), Ok(vec![]));
    fold(open, &mut records(0..2)).expect("records are counted anew");
    assert_eq!(finish(open), Ok(vec![2.into()]));
}

#[test]
fn the_open_aggregation_is_there_until_something_else_is_opened() {
    let mut instance = instance("misbehave");
    assert!(instance.aggregator().is_none());
    open(&mut *instance, "misfold", &["well".into()]).expect("it opens");
    let again = instance.aggregator().expect("it is open");
    fold(again, &mut records(0..1)).expect("it folds");
    assert_eq!(take(again), Ok(vec!["well".into()]));
    assert!(instance.open("trap_if_bad", &[]).is_ok());
    assert!(instance.aggregator().is_none());
}

#[test]
fn failures_say_what_happened_and_the_state_is_lost() {
    use UdfErrorKind::{Memory, Result, Thrown, Timeout, Trap};
    let mut instance = instance("misbehave");
    for (how, kind, says) in [
        ("throw", Thrown, "misbehave.wasm: no stock"),
        ("trap", Trap, "this fold panics, at misbehave/src/lib.rs:"),
        ("spin", Timeout, "time limit of 400 ms"),
        ("eat", Memory, "the limit is 67108864"),
        ("big", Result, "2097152 bytes"),
        ("late", Trap, "this finish panics"),
    ] {
        let open = open(&mut *instance, "misfold", &[how.into()]).expect("it opens");
        let ended = fold(open, &mut records(0..300)).and_then(|()| finish(open));
        let error = ended.expect_err(how);
        assert_eq!(error.kind, kind, "{how}: {error}");
        assert!(error.to_string().contains(says), "{how}: {error}");
        if how != "big" {
            assert!(fold(open, &mut records(0..1)).is_err(), "{how}");
        }
    }
    let open = open(&mut *instance, "misfold", &["well".into()]).expect("the instance is good");
    assert_eq!(finish(open), Ok(vec!["well".into()]));
}

#[test]
fn a_merge_of_another_type_than_the_state_is_told() {
    let mut instance = instance("misbehave");
    let open = open(&mut *instance, "mismatch", &[]).expect("it opens");
    let merged = open.merge(&["a string".into()], &Budget::default());
    let message = merged.expect_err("it takes integers").to_string();
    assert!(
        message.contains("`merge` takes another type than `state`"),
        "{message}"
    );
    assert!(
        message.contains("expected integer, found string"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_opened_says_why() {
    let mut instance = instance("misbehave");
    for (name, arguments, kind, says) in [
        (
            "nobody",
            vec![],
            UdfErrorKind::FunctionNotFound,
            "function not found",
        ),
        (
            "trap",
            vec![],
            UdfErrorKind::FunctionNotFound,
            "trap is a function on records",
        ),
        (
            "misfold",
            vec![],
            UdfErrorKind::Arguments,
            "misfold(how: String) takes 1 argument, 0 given",
        ),
        (
            "misfold",
            vec!["arguments".into()],
            UdfErrorKind::Arguments,
            "no such way",
        ),
    ] {
        let Err(error) = open(&mut *instance, name, &arguments) else {
            panic!("{name} opens");
        };
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let Err(error) = instance.open("misfold", &[]) else {
        panic!("an aggregation is opened as a function");
    };
    assert!(
        error.to_string().contains("misfold is an aggregation"),
        "{error}"
    );
}

#[test]
fn a_raised_flag_ends_a_fold_that_runs() {
    let mut instance = instance("misbehave");
    let budget = Budget {
        cancel: Some(Cancel::new()),
        ..Budget::default()
    };
    let open = open(&mut *instance, "misfold", &["spin".into()]).expect("it opens");
    let flag = budget.cancel.clone().unwrap_or_default();
    let ended = thread::scope(|threads| {
        threads.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            flag.cancel();
        });
        open.fold(&mut records(0..1), &scope(), &budget, &mut Vec::new())
    });
    let kind = ended.expect_err("it spins").kind;
    assert_eq!(kind, UdfErrorKind::Cancelled);
}

#[test]
fn big_bins_are_fetched_by_a_fold_too() {
    let mut instance = instance("misbehave");
    let big = "x".repeat(100_000);
    let mut batch = [record(&[("a", 1.into()), ("s", big.as_str().into())])];
    let open = open(&mut *instance, "longest", &["s".into()]).expect("it opens");
    fold(open, &mut batch).expect("it folds");
    assert_eq!(finish(open), Ok(vec![big.as_str().into()]));
}

#[test]
fn an_instance_does_not_grow_with_the_records_folded() {
    let mut instance = instance("aggregate");
    let open = open(&mut *instance, "sum", &["v".into()]).expect("it opens");
    let mut batch = records(0..256);
    for _ in 0..2_000 {
        fold(open, &mut batch).expect("within the limit of memory");
    }
    assert_eq!(
        finish(open),
        Ok(vec![(2_000 * (0..256).sum::<i64>()).into()])
    );
}
