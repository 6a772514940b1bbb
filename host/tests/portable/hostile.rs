//! Components that mean harm: each ends in an error of its own record, soon, and the host goes on.

use std::time::{Duration, Instant};

use petrel::model::{Value, msgpack};
use petrel::udf::UdfErrorKind::{self, Host, Memory, Result as NoResult, Timeout, Trap};

use crate::component::{call, compile, component, instance, record};

/// How long a hostile call may take: its limit, and what the host needs to look at what it was
/// given, on a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// Appends nodes of one tag from 65536 on, `count` of them, each with this payload.
fn nodes(tag: u8, payload: u64, count: u32) -> String {
    format!(
        "(local $at i32)
        (drop (memory.grow (i32.const 300)))
        (local.set $at (i32.const 65536))
        (loop $more
            (i32.store8 (local.get $at) (i32.const {tag}))
            (i64.store offset=8 (local.get $at) (i64.const {payload}))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br_if $more (i32.lt_u (local.get $at) (i32.const {}))))",
        65536 + count * 16
    )
}

/// Returns what lies at 65536 as a value of so many nodes.
fn returned(count: u32) -> String {
    format!(
        "(i32.store (i32.const 260) (i32.const 65536))
        (i32.store (i32.const 264) (i32.const {count}))
        (i32.const 256)"
    )
}

/// A name, the body of a function, and how its call ends; `None` where that is the function's own
/// affair.
type Row = (&'static str, String, Option<UdfErrorKind>);

fn bodies() -> Vec<Row> {
    let text = |body: &str| body.to_owned();
    // A string of 16 MiB.
    let long = 16u64 << 52;
    vec![
        ("a trap", text("unreachable"), Some(Trap)),
        ("a loop", text("(loop $l (br $l)) unreachable"), Some(Timeout)),
        (
            "a recursion",
            text("(call $f (local.get $arguments) (local.get $count))"),
            Some(Trap),
        ),
        (
            "memory, then a trap",
            text("(drop (memory.grow (i32.const 60000))) unreachable"),
            Some(Memory),
        ),
        (
            "a table, then a trap",
            text("(drop (table.grow $table (ref.null func) (i32.const 0x7fffffff))) unreachable"),
            Some(Trap),
        ),
        (
            "a value outside of memory",
            text(
                "(i32.store (i32.const 264) (i32.const 0x0fffffff)) (i32.const 256)",
            ),
            Some(Host),
        ),
        (
            "a result outside of memory",
            text("(i32.const 0x7ffffff0)"),
            Some(Host),
        ),
        ("a result out of line", text("(i32.const 257)"), Some(Host)),
        (
            "a result that is neither",
            text("(i32.store8 (i32.const 256) (i32.const 7)) (i32.const 256)"),
            Some(Host),
        ),
        (
            "a node of no kind",
            text("(i32.store8 (i32.const 512) (i32.const 200)) (i32.const 256)"),
            Some(Host),
        ),
        (
            "no nodes",
            text("(i32.store (i32.const 264) (i32.const 0)) (i32.const 256)"),
            Some(NoResult),
        ),
        (
            "a message that is not UTF-8",
            text(
                "(i32.store8 (i32.const 256) (i32.const 1))
                (i32.store (i32.const 260) (i32.const 0))
                (i32.store8 (i32.const 1024) (i32.const 255))
                (i32.store (i32.const 264) (i32.const 1024))
                (i32.store (i32.const 268) (i32.const 1))
                (i32.const 256)",
            ),
            Some(Host),
        ),
        (
            "a list without its elements",
            text(
                "(i32.store8 (i32.const 512) (i32.const 8))
                (i32.store (i32.const 520) (i32.const -1)) (i32.const 256)",
            ),
            Some(NoResult),
        ),
        (
            "a million lists in one another",
            nodes(8, 1, 1_000_000) + &returned(1_000_000),
            Some(NoResult),
        ),
        (
            "a million values where one belongs",
            nodes(2, 1, 1_000_000) + &returned(1_000_000),
            Some(NoResult),
        ),
        (
            "a string of all memory, a hundred thousand times",
            nodes(4, long, 100_000) + &returned(100_000),
            Some(Host),
        ),
        (
            "a list larger than a result may be",
            nodes(2, u64::MAX >> 1, 200_000)
                + "(i32.store8 (i32.const 65536) (i32.const 8))
                (i32.store (i32.const 65544) (i32.const 199999))"
                + &returned(200_000),
            Some(NoResult),
        ),
        (
            "a bin set for ever",
            nodes(4, 1 << 52, 1)
                + "(loop $l
                    (call $set (i32.const 768) (i32.const 1) (i32.const 65536) (i32.const 1) (i32.const 288))
                    (br $l)) unreachable",
            Some(Memory),
        ),
        (
            "ever other bins set and stored",
            text(
                "(local $n i64)
                (loop $l
                    (local.set $n (i64.add (local.get $n) (i64.const 1)))
                    (i64.store (i32.const 1024) (i64.or (local.get $n) (i64.const 0x4040404040404040)))
                    (i64.store (i32.const 1024) (i64.and (i64.load (i32.const 1024)) (i64.const 0x7f7f7f7f7f7f7f7f)))
                    (call $set (i32.const 1024) (i32.const 8) (i32.const 512) (i32.const 1) (i32.const 288))
                    (call $update (i32.const 288))
                    (call $bin-names (i32.const 288))
                    (global.set $free (i32.const 4096))
                    (br $l)) unreachable",
            ),
            None,
        ),
        (
            "names that no bin has",
            text(
                "(call $set (i32.const 768) (i32.const 60000) (i32.const 512) (i32.const 1) (i32.const 288))
                (i32.const 256)",
            ),
            None,
        ),
        (
            "a log without end",
            text("(loop $l (call $log (i32.const 2) (i32.const 0) (i32.const 4096)) (br $l)) unreachable"),
            Some(Timeout),
        ),
    ]
}

#[test]
fn hostile_calls_end_soon_and_the_next_call_succeeds() {
    let mut wrong = Vec::new();
    for (what, body, ends) in bodies() {
        let mut instance = instance(component(&body, ""));
        let mut victim = record(Some(&[("v", 1.into())]));
        let began = Instant::now();
        let ended = call(&mut *instance, "f", &[], &mut victim);
        let took = began.elapsed();
        let kind = ended.as_ref().err().map(|e| e.kind);
        if (ends.is_some() && kind != ends) || took > SOON {
            wrong.push(format!(
                "{what}: {ended:?} after {took:?}, expected {ends:?}"
            ));
        }
        if ended.is_err() && victim.changed_bin(b"v").is_some() {
            wrong.push(format!("{what}: the bin was set"));
        }
        let next = call(&mut *instance, "good", &[], &mut record(None));
        if next != Ok(Value::Nil) {
            wrong.push(format!("{what}: the next call gives {next:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bin_that_does_not_fit_into_memory_ends_the_call() {
    let body = "(call $get (i32.const 768) (i32.const 1) (i32.const 288)) (i32.const 256)";
    let mut instance = instance(component(body, ""));
    let huge = Value::List(msgpack::pack_list(vec![Value::Nil; 3 << 20]).into());
    let mut record = record(Some(&[("v", huge)]));
    let error = call(&mut *instance, "f", &[], &mut record).expect_err("48 MiB of nodes");
    assert_eq!(error.kind, Memory, "{error}");
}

/// Fields of the core module that do harm outside of a call, and what is said of them.
const OUTSIDE: [(&str, &str, &str); 8] = [
    (
        "a start that traps",
        "(func $s unreachable) (start $s)",
        "unreachable",
    ),
    (
        "a start without end",
        "(func $s (loop $l (br $l))) (start $s)",
        "time limit",
    ),
    (
        "a start that takes the record",
        "(func $s (call $create (i32.const 288))) (start $s)",
        "",
    ),
    (
        "a description that takes the record",
        r#"(func (export "petrel:udf/record-functions@0.2.2#describe") (result i32)
            (call $create (i32.const 288)) (i32.const 32))"#,
        "no record in hand",
    ),
    (
        "a description without end",
        r#"(func (export "petrel:udf/record-functions@0.2.2#describe") (result i32)
            (loop $l (br $l)) (i32.const 32))"#,
        "time limit",
    ),
    (
        "a description of all memory",
        r#"(func (export "petrel:udf/record-functions@0.2.2#describe") (result i32)
            (drop (memory.grow (i32.const 400)))
            (i32.store (i32.const 32) (i32.const 0))
            (i32.store (i32.const 36) (i32.const 900000)) (i32.const 32))"#,
        "",
    ),
    ("a table that is too large", "(table 100000000 funcref)", ""),
    (
        "a description outside of memory",
        r#"(func (export "petrel:udf/record-functions@0.2.2#describe") (result i32) (i32.const -4))"#,
        "",
    ),
];

#[test]
fn harm_outside_of_a_call_refuses_the_component_soon() {
    for (what, more, says) in OUTSIDE {
        let began = Instant::now();
        let message = compile(component("(i32.const 256)", more))
            .err()
            .expect(what);
        assert!(message.contains(says), "{what}: {message}");
        assert!(began.elapsed() < SOON, "{what}");
    }
}

/// Allocators and clean-ups that do harm while a call is on its way in or out.
const BETWEEN: [(&str, &str); 6] = [
    (
        "an allocator that calls the host",
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (drop (call $exists)) (i32.const 4096))"#,
    ),
    (
        "an allocator that gives what is not there",
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const -8))"#,
    ),
    (
        "an allocator that gives what is out of line",
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4097))"#,
    ),
    (
        "an allocator without end",
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (loop $l (br $l)) unreachable)"#,
    ),
    (
        "a clean-up that traps",
        r#"(func (export "cabi_post_petrel:udf/record-functions@0.2.2#call") (param i32) unreachable)"#,
    ),
    (
        "a clean-up that calls the host",
        r#"(func (export "cabi_post_petrel:udf/record-functions@0.2.2#call") (param i32)
            (drop (call $exists)))"#,
    ),
];

#[test]
fn harm_on_the_way_in_or_out_fails_the_call_soon() {
    for (what, more) in BETWEEN {
        let mut instance = instance(component("(i32.const 256)", more));
        for _ in 0..3 {
            let began = Instant::now();
            let mut victim = record(Some(&[("v", 1.into())]));
            let ended = call(&mut *instance, "f", &["argument".into()], &mut victim);
            assert!(ended.is_err(), "{what}");
            assert!(began.elapsed() < SOON, "{what}");
            assert!(victim.is_untouched() && victim.exists(), "{what}");
        }
    }
}
