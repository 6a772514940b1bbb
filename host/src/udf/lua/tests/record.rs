//! The record in a function's hand.

use super::*;

#[test]
fn record_effects_follow_the_contract() {
    let mut c = context(&[("a", 1.into())]);
    assert_eq!(
        run(
            "function f(r) return aerospike:create(r) end",
            vec![],
            &mut c
        ),
        Ok(1.into())
    );
    let mut c = missing();
    assert_eq!(
        run(
            "function f(r) return aerospike:update(r) end",
            vec![],
            &mut c
        ),
        Ok((-2).into())
    );
    let mut c = missing();
    let text =
        "function f(r) return tostring(aerospike:remove(r)) .. tostring(aerospike:exists(r)) end";
    assert_eq!(text_of(run(text, vec![], &mut c)), "1false");
    let mut c = context(&[("a", 1.into())]);
    let text = "function f(r) r.a = 9 return r.a end";
    assert_eq!(run(text, vec![], &mut c), Ok(9.into()));
    assert_eq!(stored(&c), None);
    let mut c = context(&[("a", 1.into())]);
    let text = "function f(r) local l = list{1}; r.l = l; list.append(l, 2); aerospike:update(r); return r.l == l end";
    assert_eq!(run(text, vec![], &mut c), Ok(true.into()));
    let l = Value::list([1.into(), 2.into()]);
    assert_eq!(
        stored(&c),
        Some(vec![("a".into(), 1.into()), ("l".into(), l)])
    );
    let mut c = missing();
    let text = "function f(r) r.b = 'x'; record.set_ttl(r, 1000); aerospike:create(r); r.b = nil; r.c = 2; return aerospike:update(r) end";
    assert_eq!(run(text, vec![], &mut c), Ok(0.into()));
    assert_eq!(stored(&c), Some(vec![("c".into(), 2.into())]));
}

#[test]
fn record_functions_tell_what_was_read() {
    table(&[
        ("return record.ttl(rec)", "Int(100)"),
        ("return record.gen(rec)", "Int(3)"),
        ("return record.setname(rec)", "users"),
        ("return record.last_update_time(rec)", "Int(7)"),
        ("return record.numbins(rec)", "Int(3)"),
        ("return table.concat(record.bin_names(rec), ',')", "a,l,m"),
        (
            "rec.z = 1; rec.a = nil; aerospike:update(rec) return table.concat(record.bin_names(rec), ',')",
            "l,m,z",
        ),
        ("return #record.digest(rec)", "Int(20)"),
        ("return record.key(rec)", "Nil"),
        ("return type(rec) .. type(rec.l)", "userdatauserdata"),
    ]);
}

#[test]
fn a_failure_is_its_own_records_alone() {
    let module =
        compile("function f(r) if r.a == 2 then error('no') end return r.a end").expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut batch = [1, 2, 3].map(|a: i64| context(&[("a", a.into())]));
    let results = run_with(&mut *instance, "f", vec![], &mut batch);
    assert_eq!(results[0], Ok(1.into()));
    assert_eq!(
        results[1].as_ref().map_err(ToString::to_string),
        Err("test.lua:1: no".into())
    );
    assert_eq!(results[2], Ok(3.into()));
}

#[test]
fn the_guides_module_works() {
    let text = include_str!("../../../../../udfs/lua/my_module.lua");
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut batch = [context(&[("name", "Ann".into()), ("score", 3.into())])];
    let args = vec!["a".into(), "b".into()];
    assert_eq!(
        run_with(&mut *instance, "transform_record", args, &mut batch),
        [Ok(1.into())]
    );
    let args = vec![42.into()];
    assert_eq!(
        run_with(&mut *instance, "get_computed_value", args, &mut batch),
        [Ok(126.into())]
    );
    let expected = Value::map([("name".into(), "Ann".into()), ("visits".into(), 1.into())]);
    assert_eq!(
        run_with(&mut *instance, "process_record", vec![], &mut batch),
        [Ok(expected)]
    );
}
