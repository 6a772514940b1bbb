//! Aggregations: what a module strings together, and what comes out.

use super::*;
use crate::udf::UdfError;

const MODULE: &str = "
    local function one() return 1 end
    local function add(a, b) return a + b end
    local function even(r) return r.v % 2 == 0 end
    local function v(r) return r.v end
    function count(s) return s : map(one) : reduce(add) end
    function evens(s) return s : filter(even) : aggregate(0, function(n) return n + 1 end) : reduce(add) end
    function no_reduce(s) return s : aggregate(0, function(n) return n + 1 end) end
    function plain(s) return s : filter(even) : map(v) end
    function records(s) return s end
    function nils(s) return s : map(function(r) if even(r) then return r.v end end) : reduce(add) end
    function falses(s) return s : map(even) end
    function nobody(s) return s : filter(function() return false end) : aggregate(0, add) : reduce(add) end
    function nobody_mapped(s) return s : filter(function() return false end) : map(v) : reduce(add) end
    function after(s) return s : map(v) : reduce(add) : map(function(x) return 'sum ' .. x end) end
    function between(s) return s : aggregate(0, function(n) return n + 1 end) : map(function(n) return n * 10 end) : reduce(add) end
    function twice(s) return s : map(v) : reduce(math.max) : aggregate(map{}, function(m, x) m.max = x return m end) end
    function groups(s) return s : map(v) : groupby(function(x) return x % 3 end) end
    function by_set(s, bin)
      return s : aggregate(map(), function(m, r) m[r[bin]] = (m[r[bin]] or 0) + 1 return m end)
        : reduce(function(a, b) return map.merge(a, b, add) end)
    end
    function tables(s) return s : map(function() return {} end) end
    local seen = 0
    function keeps(s) return s : map(function() seen = seen + 1 calls = (calls or 0) + 1 return calls end) : reduce(math.max) end
    function writes(s)
      return s : map(function(r)
        r.v = 99
        record.set_ttl(r, 5)
        return list{r.v, aerospike:update(r), aerospike:remove(r), aerospike:create(r), aerospike:exists(r)}
      end)
    end
    function sets_bad(s) return s : map(function(r) r.v = {} end) end
    function fails(s) error('in the stream') end
    function fails_filter(s) return s : filter(function(r) error('in a filter') end) end
    function fails_map(s) return s : map(function(r) return r.nothing + 1 end) end
    function fails_aggregate(s) return s : aggregate(0, function(n, r) error('in an aggregate') end) end
    function fails_reduce(s) return s : map(v) : reduce(function() error('in a reduce') end) end
    function fails_last(s) return s : map(v) : reduce(add) : map(function() error('at the last') end) end
    function no_stream(s) end
    function no_function(s) return s : filter() end
    function no_operation(s) return s : sort() end
    function keeps_record(s) return s : aggregate(map(), function(m, r) kept = r return m end) : map(function(m) return kept.v end) end
";

fn records(values: impl IntoIterator<Item = i64>) -> Vec<RecordContext> {
    let record = |v: i64| context(&[("v", v.into()), ("g", (v % 2).into())]);
    values.into_iter().map(record).collect()
}

fn instance() -> Box<dyn Instance> {
    let module = compile(MODULE).expect("compiles");
    module.instantiate().expect("instantiates")
}

/// Folds each batch in an instance of its own, and merges them in the first.
fn aggregate(
    function: &str,
    args: Vec<Value>,
    batches: Vec<Vec<RecordContext>>,
) -> Result<Vec<Value>, UdfError> {
    let (args, budget) = (pack_list(args), Budget::default());
    let mut values = Vec::new();
    let mut first = instance();
    let last = first.aggregate(function, &args, &budget)?;
    for mut batch in batches {
        let (mut other, mut partial) = (instance(), Vec::new());
        let open = other.aggregate(function, &args, &budget)?;
        open.fold(&mut batch, &scope(), &budget, &mut values)?;
        open.take(&budget, &mut partial)?;
        last.merge(&partial, &budget)?;
    }
    last.finish(&budget, &mut values)?;
    Ok(values)
}

fn two_batches(function: &str) -> Result<Vec<Value>, UdfError> {
    aggregate(function, vec![], vec![records(0..6), records(6..10)])
}

fn ints(values: impl IntoIterator<Item = i64>) -> Vec<Value> {
    values.into_iter().map(Value::from).collect()
}

#[test]
fn a_stream_is_filtered_mapped_aggregated_and_reduced() {
    for (function, expected) in [
        ("count", ints([10])),
        ("evens", ints([5])),
        ("no_reduce", ints([6, 4])),
        ("plain", ints([0, 2, 4, 6, 8])),
        ("records", vec![]),
        ("nils", ints([20])),
        ("nobody", ints([0])),
        ("nobody_mapped", vec![]),
        ("after", vec!["sum 45".into()]),
        ("between", ints([100])),
        ("twice", vec![Value::map([("max".into(), 9.into())])]),
        ("tables", vec![]),
    ] {
        assert_eq!(two_batches(function), Ok(expected), "{function}");
    }
}

#[test]
fn false_is_a_value() {
    let values = aggregate("falses", vec![], vec![records(0..2)]);
    assert_eq!(values, Ok(vec![true.into(), false.into()]));
}

#[test]
fn groups_of_parts_are_merged() {
    let groups = two_batches("groups").expect("groups");
    let of = |xs: &[i64]| Value::list(xs.iter().copied().map(Value::from));
    let expected = Value::map([
        (0.into(), of(&[0, 3, 6, 9])),
        (1.into(), of(&[1, 4, 7])),
        (2.into(), of(&[2, 5, 8])),
    ]);
    assert_eq!(groups, [expected]);
}

#[test]
fn arguments_reach_the_stream_function() {
    let counts = aggregate(
        "by_set",
        vec!["g".into()],
        vec![records(0..5), records(0..4)],
    );
    let expected = Value::map([(0.into(), 5.into()), (1.into(), 4.into())]);
    assert_eq!(counts, Ok(vec![expected]));
}

#[test]
fn what_saw_no_record_yields_nothing_but_what_the_end_makes_of_it() {
    for (function, expected) in [
        ("count", vec![]),
        ("evens", vec![]),
        ("no_reduce", vec![]),
        ("plain", vec![]),
        ("twice", vec![Value::map([])]),
    ] {
        assert_eq!(
            aggregate(function, vec![], vec![]),
            Ok(expected),
            "{function}"
        );
    }
}

#[test]
fn a_state_is_empty_once_taken_and_folds_on() {
    let (budget, mut other) = (Budget::default(), instance());
    let open = other
        .aggregate("evens", &pack_list(vec![]), &budget)
        .expect("opens");
    let mut values = Vec::new();
    for n in [4, 2] {
        open.fold(&mut records(0..n), &scope(), &budget, &mut values)
            .expect("folds");
        open.take(&budget, &mut values).expect("takes");
    }
    open.take(&budget, &mut values).expect("takes");
    assert_eq!(values, ints([2, 1]));
}

#[test]
fn variables_last_as_long_as_the_aggregation() {
    let values = aggregate("keeps", vec![], vec![records(0..3), records(0..5)]);
    assert_eq!(values, Ok(ints([5])));
    let mut instance = instance();
    let budget = Budget::default();
    for _ in 0..2 {
        let open = instance
            .aggregate("keeps", &pack_list(vec![]), &budget)
            .expect("opens");
        let mut values = Vec::new();
        open.fold(&mut records(0..2), &scope(), &budget, &mut values)
            .expect("folds");
        open.finish(&budget, &mut values).expect("finishes");
        assert_eq!(values, ints([2]));
    }
}

#[test]
fn records_of_a_stream_cannot_be_changed() {
    let mut batch = records([7]);
    let (budget, mut instance) = (Budget::default(), instance());
    let mut values = Vec::new();
    let open = instance
        .aggregate("writes", &pack_list(vec![]), &budget)
        .expect("opens");
    open.fold(&mut batch, &scope(), &budget, &mut values)
        .expect("folds");
    let expected = Value::list([7.into(), 1.into(), 1.into(), 1.into(), true.into()]);
    assert_eq!(values, [expected]);
    assert!(batch[0].is_untouched());
    let e = aggregate("sets_bad", vec![], vec![records([7])]).expect_err("fails");
    assert!(e.to_string().contains("can't set bin v"), "{e}");
}

#[test]
fn a_failure_in_any_stage_says_where() {
    for (function, text) in [
        ("fails", "test.lua:34: in the stream"),
        ("fails_filter", "test.lua:35: in a filter"),
        (
            "fails_map",
            "test.lua:36: attempt to perform arithmetic on a nil value",
        ),
        ("fails_aggregate", "test.lua:37: in an aggregate"),
        ("fails_reduce", "test.lua:38: in a reduce"),
        ("fails_last", "test.lua:39: at the last"),
        ("no_stream", "the function returned no stream"),
        ("no_function", "attempt to call a nil value"),
        (
            "no_operation",
            "test.lua:42: attempt to call a nil value (method 'sort')",
        ),
        ("keeps_record", "there is no record here"),
        ("missing", "function not found"),
    ] {
        let e = two_batches(function).expect_err(function);
        assert!(e.to_string().contains(text), "{function}: {e}");
    }
}

#[test]
fn a_failed_aggregation_stays_failed() {
    let (budget, mut instance) = (Budget::default(), instance());
    let open = instance
        .aggregate("fails_map", &pack_list(vec![]), &budget)
        .expect("opens");
    let mut values = Vec::new();
    for _ in 0..2 {
        let folded = open.fold(&mut records(0..2), &scope(), &budget, &mut values);
        assert!(folded.is_err());
    }
    assert!(open.finish(&budget, &mut values).is_err());
    assert!(values.is_empty());
    // A call of a function in the same instance is not concerned.
    let result = run_with(&mut *instance, "missing", vec![], &mut records([1]));
    assert_eq!(
        result[0].clone().expect_err("no such").kind,
        UdfErrorKind::FunctionNotFound
    );
}

#[test]
fn limits_hold_in_every_stage() {
    let text = "
        local function endless() while true do end end
        local function huge() return string.rep('x', 300000) end
        function opening(s) endless() end
        function filtering(s) return s : filter(endless) end
        function reducing(s) return s : map(function() return 1 end) : reduce(endless) end
        function ending(s) return s : map(function() return 1 end) : reduce(math.max) : map(endless) end
        function growing(s) local l = list() return s : aggregate(l, function(l) for i = 1, 5e3 do list.append(l, 'x' .. list.size(l)) end return l end) end
        function large(s) return s : map(huge) end
        function larger(s) return s : map(function() return string.rep('x', 2000000) end) end
        function swallowing(s) return s : map(function() while true do pcall(endless) end end) end";
    let attempt = |function: &str, time_ms| {
        let limits = Limits {
            memory_bytes: 8 << 20,
            time_ms,
            ..Limits::default()
        };
        let module = compile_within(text, &limits).expect("compiles");
        let (budget, mut values) = (Budget::default(), Vec::new());
        let mut instance = module.instantiate()?;
        let open = instance.aggregate(function, &pack_list(vec![]), &budget)?;
        open.fold(&mut records(0..100), &scope(), &budget, &mut values)?;
        open.finish(&budget, &mut values)
    };
    for (function, kind) in [
        ("opening", UdfErrorKind::Timeout),
        ("filtering", UdfErrorKind::Timeout),
        ("reducing", UdfErrorKind::Timeout),
        ("ending", UdfErrorKind::Timeout),
        ("swallowing", UdfErrorKind::Timeout),
        ("growing", UdfErrorKind::Memory),
        ("large", UdfErrorKind::Memory),
        ("larger", UdfErrorKind::Result),
    ] {
        // What meets another limit has the time for it, on a busy machine too.
        let time_ms = if kind == UdfErrorKind::Timeout {
            40
        } else {
            60_000
        };
        let start = Instant::now();
        let e = attempt(function, time_ms).expect_err(function);
        assert_eq!(e.kind, kind, "{function}: {e}");
        if kind == UdfErrorKind::Timeout {
            assert!(start.elapsed() < Duration::from_secs(2), "{function}");
        }
    }
}

#[test]
fn the_time_limit_is_of_each_record_and_not_of_the_batch() {
    let text = "function f(s) return s : map(function() for i = 1, 4e5 do end return 1 end) : reduce(math.sum) end";
    let limits = Limits {
        time_ms: 60,
        ..Limits::default()
    };
    let module = compile_within(text, &limits).expect("compiles");
    let (budget, mut values) = (Budget::default(), Vec::new());
    let mut instance = module.instantiate().expect("instantiates");
    let open = instance
        .aggregate("f", &pack_list(vec![]), &budget)
        .expect("opens");
    let start = Instant::now();
    open.fold(&mut records(0..400), &scope(), &budget, &mut values)
        .expect("folds");
    assert!(
        start.elapsed() > Duration::from_millis(60),
        "too quick to tell"
    );
    open.finish(&budget, &mut values).expect("finishes");
    assert_eq!(values, ints([400]));
}

#[test]
fn a_cancelled_aggregation_ends_within_a_batch() {
    let text = "function f(s) return s : map(function() return 1 end) : reduce(math.sum) end";
    let module = compile(text).expect("compiles");
    let cancel = Cancel::new();
    let budget = Budget {
        cancel: Some(cancel.clone()),
        ..Budget::default()
    };
    let mut instance = module.instantiate().expect("instantiates");
    let open = instance
        .aggregate("f", &pack_list(vec![]), &budget)
        .expect("opens");
    cancel.cancel();
    let folded = open.fold(&mut records(0..9), &scope(), &budget, &mut Vec::new());
    assert_eq!(folded.expect_err("ends").kind, UdfErrorKind::Cancelled);
}
