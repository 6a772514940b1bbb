//! Values on their way into a function and out of it.

use super::*;

#[test]
fn results_keep_their_type() {
    let rows: Vec<(&str, Value)> = vec![
        ("return 3.0", 3.0.into()),
        ("return 7/2", 3.5.into()),
        ("return 7//2", 3.into()),
        ("return true", true.into()),
        ("return nil", Value::Nil),
        ("", Value::Nil),
        ("return 'x'", "x".into()),
        ("return {1,2}", Value::Nil),
        ("return print", Value::Nil),
        ("return 1, 2", 1.into()),
        ("return list{1,2}", Value::list([1.into(), 2.into()])),
        ("return map{a=1}", Value::map([("a".into(), 1.into())])),
        (
            "local b = bytes(); bytes.append_byte(b, 7); return b",
            Value::Blob(ParticleType::BLOB, Bytes::from_static(&[7])),
        ),
        ("return rec.a", 1.into()),
        ("return rec['a'] + #rec.l + rec.m.x", 5.into()),
        ("return rec.none", Value::Nil),
        ("return rec", Value::Nil),
        ("return _VERSION", "Lua 5.4".into()),
    ];
    for (body, expected) in rows {
        assert_eq!(eval(body), Ok(expected), "{body}");
    }
}

#[test]
fn results_over_the_limit_are_refused() {
    let limits = Limits {
        result_bytes: 100,
        ..Limits::default()
    };
    let module = compile_within("function f(r, n) return string.rep('x', n) end", &limits)
        .expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut batch = [missing()];
    let fits = run_with(&mut *instance, "f", vec![100.into()], &mut batch).remove(0);
    assert!(fits.is_ok());
    let over = run_with(&mut *instance, "f", vec![101.into()], &mut batch).remove(0);
    assert_eq!(over.expect_err("too long").kind, UdfErrorKind::Result);
}

#[test]
fn arguments_arrive_with_their_types_and_fresh_for_each_record() {
    let text = "function f(r, ...) local s = '' for i = 1, select('#', ...) do s = s .. type((select(i, ...))) .. ' ' end return s end
        function g(r, l) list.append(l, 1) return list.size(l) end";
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let args = vec![
        1.into(),
        2.5.into(),
        "s".into(),
        vec![1u8].into(),
        Value::list([]),
        Value::map([]),
        Value::Nil,
        true.into(),
    ];
    let mut batch = [missing(), missing(), missing()];
    let results = run_with(&mut *instance, "f", args, &mut batch);
    let types = "number number string userdata userdata userdata nil boolean ";
    assert_eq!(results, vec![Ok(types.into()); 3]);
    let args = vec![Value::list([5.into()])];
    let results = run_with(&mut *instance, "g", args, &mut batch);
    assert_eq!(results, vec![Ok(2.into()); 3]);
}
