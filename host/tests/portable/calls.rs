//! What a function does to its record.

use petrel::model::Value;
use petrel::udf::UdfErrorKind;

use crate::component::{call, compile, component, instance, record, scope};

/// Returns the value that lies at 288.
const RETURN: &str = "
    (i64.store (i32.const 260) (i64.load (i32.const 288)))
    (i32.const 256)";

/// Sets bin `v` to the first argument.
const SET: &str = "
    (call $set (i32.const 768) (i32.const 1) (i32.load (local.get $arguments))
        (i32.load offset=4 (local.get $arguments)) (i32.const 288))";

#[test]
fn a_bin_is_read_as_it_is_stored_and_as_it_was_set() {
    let get = format!("(call $get (i32.const 768) (i32.const 1) (i32.const 288)) {RETURN}");
    let mut reads = instance(component(&get, ""));
    let list = Value::list([1.into(), "a".into(), Value::map([("k".into(), 0.5.into())])]);
    for value in [7.into(), "text".into(), vec![1u8].into(), list.clone()] {
        let mut stored = record(Some(&[("v", value.clone())]));
        assert_eq!(call(&mut *reads, "f", &[], &mut stored), Ok(value));
    }
    assert_eq!(
        call(&mut *reads, "f", &[], &mut record(None)),
        Ok(Value::Nil)
    );

    let mut sets = instance(component(&format!("{SET} {get}"), ""));
    let mut stored = record(Some(&[("v", 1.into())]));
    let returned = call(&mut *sets, "f", std::slice::from_ref(&list), &mut stored);
    assert_eq!(returned.as_ref(), Ok(&list));
    assert_eq!(stored.changed_bin(b"v"), Some(&list));
    assert!(stored.is_untouched(), "nothing said that it be stored");
}

#[test]
fn changes_are_stored_by_create_and_update_and_refused_where_they_do_not_fit() {
    for (change, exists, refused) in [
        ("create", false, ""),
        ("create", true, "create: the record exists already"),
        ("update", true, ""),
        (
            "update",
            false,
            "update: there is no record; create it first",
        ),
        ("remove", true, ""),
        ("remove", false, "remove: there is no record"),
    ] {
        // Fails with what the host said.
        let body = format!(
            "{SET} (call ${change} (i32.const 288))
            (if (i32.load8_u (i32.const 288)) (then
                (i32.store8 (i32.const 256) (i32.const 1))
                (i32.store (i32.const 260) (i32.const 0))
                (i64.store (i32.const 264) (i64.load (i32.const 292)))))
            (i32.const 256)"
        );
        let mut instance = instance(component(&body, ""));
        let bins = [("v", 1.into())];
        let mut record = record(exists.then_some(&bins[..]));
        let returned = call(&mut *instance, "f", &[2.into()], &mut record);
        if refused.is_empty() {
            assert_eq!(returned, Ok(Value::Nil), "{change}");
            assert!(!record.is_untouched(), "{change}");
        } else {
            let error = returned.expect_err(change);
            assert_eq!(error.kind, UdfErrorKind::Thrown);
            assert_eq!(error.to_string(), format!("m.wasm: {refused}"));
            assert_eq!(record.changed_bin(b"v"), None, "{change}");
        }
    }
}

#[test]
fn key_and_metadata_are_those_of_the_record() {
    // namespace, set, user key and digest; generation, expiry and last update: checked in place.
    let body = r#"
        (call $key (i32.const 288))
        (if (i32.ne (i32.load8_u (i32.load (i32.const 296))) (i32.const 117)) (then unreachable)) ;; u of users
        (if (i32.ne (i32.load (i32.const 308)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 316)) (i32.const 20)) (then unreachable))
        (call $metadata (i32.const 320))
        (if (i32.ne (i32.load16_u (i32.const 320)) (i32.const 3)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 328)) (i32.const 60)) (then unreachable))
        (if (i64.ne (i64.load (i32.const 336)) (i64.const 5)) (then unreachable))
        (call $bin-names (i32.const 288))
        (if (i32.ne (i32.load (i32.const 292)) (i32.const 1)) (then unreachable))
        (call $set-expiry (i32.const 3) (i32.const 10))
        (call $log (i32.const 2) (i32.const 768) (i32.const 1))
        (i32.const 256)"#;
    let mut instance = instance(component(body, ""));
    let mut record = record(Some(&[("v", 1.into())]));
    assert_eq!(call(&mut *instance, "f", &[], &mut record), Ok(Value::Nil));
}

#[test]
fn a_call_with_other_arguments_than_described_is_told_the_signature() {
    let more = r#"
        (data (i32.const 600) "nint")
        (data (i32.const 608) "\58\02\00\00\01\00\00\00\59\02\00\00\03\00\00\00")
        (data (i32.const 640) "\10\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\60\02\00\00\01\00\00\00")
        (data (i32.const 700) "\80\02\00\00\01\00\00\00")
        (func (export "petrel:udf/record-functions@0.2.2#describe") (result i32) (i32.const 700))"#;
    let mut instance = instance(component("(i32.const 256)", more));
    let error = call(&mut *instance, "f", &[], &mut record(None)).expect_err("it takes one");
    assert_eq!(error.kind, UdfErrorKind::Arguments);
    let says = "m.wasm: f(n: int) takes 1 argument, 0 given";
    assert_eq!(error.to_string(), says);
    let called = call(&mut *instance, "f", &[1.into()], &mut record(None));
    assert_eq!(called, Ok(Value::Nil));
    let missing = call(&mut *instance, "g", &[], &mut record(None)).expect_err("there is no g");
    assert_eq!(missing.kind, UdfErrorKind::FunctionNotFound);
}

#[test]
fn a_trap_is_its_records_alone() {
    // Traps on a record without the bin, and counts its calls.
    let body = "
        (call $get (i32.const 768) (i32.const 1) (i32.const 288))
        (if (i32.eqz (i32.load8_u (i32.load (i32.const 288)))) (then unreachable))
        (i32.const 256)";
    let mut instance = instance(component(body, ""));
    let mut batch = [
        record(Some(&[("v", 1.into())])),
        record(None),
        record(Some(&[("v", 2.into())])),
    ];
    let open = instance.open("f", &[0x90]).expect("it opens");
    let mut results = Vec::new();
    open.each(&mut batch, &scope(), &Default::default(), &mut results);
    let kinds: Vec<_> = results
        .iter()
        .map(|r| r.as_ref().map_err(|e| e.kind))
        .collect();
    assert_eq!(
        kinds,
        [Ok(&Value::Nil), Err(UdfErrorKind::Trap), Ok(&Value::Nil)]
    );
    assert!(batch[1].base().is_none() && batch[2].base().is_some());
}

#[test]
fn a_component_of_both_worlds_is_refused() {
    // The world `portable` has no such export, so the text of a component stands in for it.
    let text = r#"(component (instance $i)
        (export "petrel:udf/functions@0.2.2" (instance $i))
        (export "petrel:udf/record-functions@0.2.2" (instance $i)))"#;
    let bytes = wat::parse_str(text).expect("the text is a component");
    let message = compile(bytes).err().unwrap_or_default();
    assert!(message.contains("one of the two"), "{message}");
}
