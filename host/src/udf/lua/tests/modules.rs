//! Modules: what is refused, and what they require.

use super::*;

#[test]
fn failures_tell_file_and_line() {
    table(&[
        (
            "error('1000:Invalid value')",
            "error: test.lua:1: 1000:Invalid value",
        ),
        (
            "rec.a = {1,2}",
            "error: test.lua:1: can't set bin a to unsupported type",
        ),
        (
            "\nlocal x = nil + 1",
            "error: test.lua:2: attempt to perform arithmetic on a nil value",
        ),
        ("rec[''] = 1", "error: test.lua:1: a bin has to have a name"),
        (
            "list.size(5)",
            "error: test.lua:1: bad argument #1 to 'size' (userdata expected, got number)",
        ),
        (
            "require('nothing')",
            "error: test.lua:1: module 'nothing' not found: none of that name is registered",
        ),
    ]);
}

#[test]
fn syntax_errors_are_refused_with_their_line() {
    let e = compile("function f(\nreturn 1").err().expect("refused");
    assert_eq!(e.line, 2);
    assert_eq!(e.message, "<name> or '...' expected near 'return'");
    let e = compile("\x1bLua").err().expect("refused");
    assert!(e.message.contains("source text"), "{e}");
}

#[test]
fn an_unknown_function_is_not_found() {
    let module = compile("function g() end").expect("compiles");
    let names: Vec<_> = module.functions().into_iter().map(|f| f.name).collect();
    assert_eq!(names, ["g"]);
    for name in ["f", "print", "map"] {
        let mut instance = module.instantiate().expect("instantiates");
        let mut batch = [missing()];
        let result = run_with(&mut *instance, name, vec![], &mut batch);
        let e = result[0].clone().expect_err("fails");
        assert_eq!(e.kind, UdfErrorKind::FunctionNotFound);
        assert_eq!(e.message, "function not found");
    }
}

#[test]
fn functions_are_told_with_their_parameters_and_the_comments_above_them() {
    let text = "-- The module's own.\n\n\
        --- Adds up.\n--   twice\nfunction add(rec, a, b, ...) end\n\
        local x = 1\nfunction bare(rec) end\nsame = add\n\
        --[[ long\n]]\nfunction long() end\n\
        made = load('function f() end return f')()";
    let module = compile(text).expect("compiles");
    let functions = module.functions();
    let told: Vec<_> = functions
        .iter()
        .map(|f| (f.to_string(), f.doc.as_str()))
        .collect();
    let told: Vec<_> = told.iter().map(|(f, doc)| (f.as_str(), *doc)).collect();
    assert_eq!(
        told,
        [
            ("add(a, b, ...)", "Adds up.\n  twice"),
            ("bare()", ""),
            ("f()", ""),
            ("long()", ""),
            ("made()", ""),
            ("same(a, b, ...)", "Adds up.\n  twice"),
        ]
    );
}

#[test]
fn what_is_told_of_functions_is_bounded() {
    let comment = "-- all of it\n".repeat(1000);
    let many: String = (0..3000).map(|i| format!("f{i} = f\n")).collect();
    let module = compile(&format!("{comment}function f() end\n{many}")).expect("compiles");
    let size: usize = module.functions().iter().map(|f| f.doc.len()).sum();
    assert!((1 << 19..=1 << 20).contains(&size), "{size}");
}

#[test]
fn require_finds_registered_modules() {
    assert_eq!(eval("return require('helper').twice(4)"), Ok(8.into()));
    let mut c = missing();
    let text = "local h = require('helper') function f() return h.twice(5) end";
    assert_eq!(run(text, vec![], &mut c), Ok(10.into()));
}

#[test]
fn a_module_whose_own_statements_fail_is_refused_with_their_place() {
    let limits = Limits {
        time_ms: 40,
        memory_bytes: 4 << 20,
        ..Limits::default()
    };
    let long = "a_name_that_is_longer_than_what_lua_shows_of_one_in_its_messages";
    let rows = [
        (
            "m",
            "\nlocal x = nil + 1",
            2,
            "attempt to perform arithmetic on a nil value",
        ),
        ("m", "error('no')", 1, "no"),
        (
            "m",
            "local function f()\n rec.x = 1 end f()",
            2,
            "nil value (global 'rec')",
        ),
        ("m", "error()", 0, "nil"),
        ("m", "error({})", 0, "raise a string instead"),
        ("m", "\nrequire('nothing')", 2, "module 'nothing' not found"),
        (
            "m",
            "\n\nwhile true do end",
            3,
            "time limit of 40 ms (time-ms)",
        ),
        (
            "m",
            "while true do pcall(function() while true do end end) end",
            1,
            "time-ms",
        ),
        (
            "m",
            "coroutine.wrap(function()\nwhile true do end end)()",
            2,
            "time-ms",
        ),
        (
            "m",
            "string.find(string.rep('a', 60), string.rep('a?', 60) .. 'b')",
            1,
            "time-ms",
        ),
        (
            "m",
            "local t = {} for i = 1, 1e9 do t[i] = {i} end",
            0,
            "memory-bytes",
        ),
        (long, "\nlocal x = nil + 1", 2, "attempt to perform"),
    ];
    let runtime = LuaRuntime::new(Arc::new(Library));
    for (package, text, line, message) in rows {
        let start = Instant::now();
        let e = runtime
            .compile(source(package, text), &(&limits).into())
            .err()
            .unwrap_or_else(|| panic!("{text} is accepted"));
        assert_eq!(
            (e.file, e.line),
            (format!("{package}.lua"), line),
            "{text}: {}",
            e.message
        );
        assert!(e.message.contains(message), "{text}: {}", e.message);
        assert!(start.elapsed() < Duration::from_secs(2), "{text}");
    }
}
