//! What modules can do, and cannot.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::LuaRuntime;
use crate::change::{Effects, RecordContext, Scope};
use crate::model::msgpack::pack_list;
use crate::model::{
    Body, BodyBuilder, Digest, Limits, Meta, Particle, ParticleType, Record, Value,
};
use crate::udf::{
    Call, CompileError, Instance, Module, ModuleSource, Runtime, Sources, UdfErrorKind, UdfResult,
};

/// Modules that tests can `require`.
struct Library;

impl Sources for Library {
    fn source(&self, package: &str) -> Option<ModuleSource> {
        (package == "helper").then(|| {
            source(
                "helper",
                "local M = {} function M.twice(x) return x * 2 end return M",
            )
        })
    }
}

fn source(package: &str, text: &str) -> ModuleSource {
    ModuleSource {
        file: format!("{package}.lua"),
        package: package.into(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn compile(text: &str) -> Result<Arc<dyn Module>, CompileError> {
    LuaRuntime::new(Arc::new(Library)).compile(source("test", text), &Limits::default())
}

fn scope() -> Scope {
    Scope {
        namespace: "test".into(),
        sets: Arc::new(vec![Arc::from(""), Arc::from("users")]),
        now: 500_000_000,
        default_ttl: 0,
    }
}

fn body(bins: &[(&str, Value)]) -> Body {
    let mut b = BodyBuilder::new();
    b.start(None);
    let mut data = Vec::new();
    for (name, value) in bins {
        data.clear();
        value.write_particle(&mut data);
        b.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    b.finish()
}

fn context(bins: &[(&str, Value)]) -> RecordContext {
    let record = Record {
        meta: Meta {
            generation: 3,
            set: 1,
            void_time: 500_000_100,
            last_update: 7,
        },
        body: body(bins),
    };
    RecordContext::new(Digest([7; 20]), 1, None, Some(record))
}

fn missing() -> RecordContext {
    RecordContext::new(Digest([7; 20]), 1, Some("k".into()), None)
}

fn run_with(
    instance: &mut dyn Instance,
    function: &str,
    args: Vec<Value>,
    limits: &Limits,
    batch: &mut [RecordContext],
) -> Vec<UdfResult> {
    let (args, scope, cancelled) = (pack_list(args), scope(), AtomicBool::new(false));
    let call = Call {
        function,
        args: &args,
        scope: &scope,
        limits,
        cancelled: &cancelled,
    };
    let mut results = Vec::new();
    instance.run(&call, batch, &mut results);
    results
}

fn run(text: &str, args: Vec<Value>, context: &mut RecordContext) -> UdfResult {
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let batch = std::slice::from_mut(context);
    run_with(&mut *instance, "f", args, &Limits::default(), batch).remove(0)
}

/// What `f` returns that has `body`, over a record of a few bins.
fn eval(body: &str) -> UdfResult {
    let mut context = context(&[
        ("a", 1.into()),
        ("l", Value::list([1.into(), 2.into(), 3.into()])),
        ("m", Value::map([("x".into(), 1.into())])),
    ]);
    run(
        &format!("function f(rec, ...) {body}\nend"),
        vec![],
        &mut context,
    )
}

fn text_of(result: UdfResult) -> String {
    match result {
        Ok(value) => value
            .as_str()
            .map(str::to_owned)
            .unwrap_or(format!("{value:?}")),
        Err(e) => format!("error: {e}"),
    }
}

/// Each row is a function's body and what `tostring` of its result must be.
fn table(rows: &[(&str, &str)]) {
    for (body, expected) in rows {
        assert_eq!(text_of(eval(body)), *expected, "{body}");
    }
}

fn stored(context: &RecordContext) -> Option<Vec<(String, Value)>> {
    let mut scratch = Vec::new();
    match context.effects(&scope(), 9, &mut BodyBuilder::new(), &mut scratch) {
        Effects::Put(record) => Some(
            record
                .body
                .bins()
                .map(|(name, p)| {
                    let value = Value::from_particle(p.kind, Bytes::copy_from_slice(p.data));
                    (String::from_utf8_lossy(name).into(), value.expect("valid"))
                })
                .collect(),
        ),
        _ => None,
    }
}

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
        (
            "rec.a_name_that_is_long = 1",
            "error: test.lua:1: bin name 'a_name_that_is_long' is not 1 to 15 bytes long",
        ),
        (
            "list.size(5)",
            "error: test.lua:1: bad argument #1 to 'size' (List expected, got number)",
        ),
        (
            "require('nothing')",
            "error: test.lua:1: module 'nothing' is not registered, or uses _ENV",
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
        let result = run_with(&mut *instance, name, vec![], &Limits::default(), &mut batch);
        let e = result[0].clone().expect_err("fails");
        assert_eq!(e.kind, UdfErrorKind::FunctionNotFound);
        assert_eq!(e.message, "function not found");
    }
}

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
            "rec.z = 1; rec.a = nil; return table.concat(record.bin_names(rec), ',')",
            "l,m,z",
        ),
        ("return #record.digest(rec)", "Int(20)"),
        ("return record.key(rec)", "Nil"),
        ("return type(rec) .. type(rec.l)", "userdatauserdata"),
    ]);
}

#[test]
fn lists_do_what_the_guide_says() {
    table(&[
        ("return tostring(rec.l)", "[1, 2, 3]"),
        (
            "local l = rec.l; l[2] = 'x'; return tostring(l)",
            "[1, \"x\", 3]",
        ),
        ("local l = rec.l; return l[3] + l[1] + l[2]", "Int(6)"),
        (
            "local l = rec.l; return tostring(l[0]) .. tostring(l[4])",
            "nilnil",
        ),
        (
            "local l = list(); list.append(l, 1); list.prepend(l, 0); list.insert(l, 2, 5); return tostring(l)",
            "[0, 5, 1]",
        ),
        (
            "local l = list{1,2,3,4}; list.remove(l, 2); return tostring(l)",
            "[1, 3, 4]",
        ),
        (
            "local l = list{1,2,3,4}; list.trim(l, 3); return tostring(l)",
            "[1, 2]",
        ),
        (
            "return tostring(list.take(rec.l, 2)) .. tostring(list.drop(rec.l, 2))",
            "[1, 2][3]",
        ),
        (
            "local l = list{1}; list.concat(l, l); list.concat(l, rec.l); return tostring(l)",
            "[1, 1, 1, 2, 3]",
        ),
        (
            "return tostring(list.merge(rec.l, list{9})) .. #rec.l",
            "[1, 2, 3, 9]3",
        ),
        (
            "local l = list.clone(rec.l); l[1] = 9; return tostring(l) .. tostring(rec.l)",
            "[9, 2, 3][1, 2, 3]",
        ),
        (
            "local s = 0; for v in list.iterator(rec.l) do s = s + v end; return s",
            "Int(6)",
        ),
        (
            "local l = list{list{1}, map{a=2}}; local s = ''; for v in list.iterator(l) do s = s .. tostring(v) end; return s",
            "[1]{\"a\":2}",
        ),
        (
            "local l = list(); l[3] = 1; return tostring(l) .. list.size(l)",
            "[NIL, NIL, 1]3",
        ),
        ("return list.nbytes(rec.l)", "Int(4)"),
        (
            "local l = list{}; l[1] = l; return l",
            "error: the result is too large, nests too deep, or holds itself",
        ),
        ("return getmetatable(list()) == List", "Bool(true)"),
    ]);
}

#[test]
fn objects_inside_lists_are_the_same_each_time() {
    let inner = Value::list([1.into()]);
    let mut c = context(&[("l", Value::list([0.into(), inner]))]);
    let text = "function f(r) list.append(r.l[2], 5); return tostring(r.l) end";
    assert_eq!(text_of(run(text, vec![], &mut c)), "[0, [1, 5]]");
}

#[test]
fn maps_do_what_the_guide_says() {
    table(&[
        (
            "return tostring(map{a=1, b=list{1,2}})",
            "{\"a\":1, \"b\":[1, 2]}",
        ),
        (
            "local m = map(); m.x = 1; m[2] = 'y'; m[1.5] = true; return tostring(m)",
            "{2:\"y\", \"x\":1, 1.5000000000000000:true}",
        ),
        (
            "local m = map{z=1, a=2, k=3}; local s = ''; for k, v in map.pairs(m) do s = s .. k .. v end; return s",
            "a2k3z1",
        ),
        (
            "local s = ''; for k in map.keys(map{b=1, a=2}) do s = s .. k end; return s",
            "ab",
        ),
        (
            "local s = 0; for v in map.values(map{b=1, a=2}) do s = s * 10 + v end; return s",
            "Int(21)",
        ),
        (
            "local m = map{a=1}; m.a = nil; return map.size(m)",
            "Int(0)",
        ),
        (
            "local m = map{a=1, b=2}; map.remove(m, 'a'); return tostring(m) .. #m",
            "{\"b\":2}1",
        ),
        (
            "return tostring(map.merge(map{a=1, b=2}, map{b=3, c=4}))",
            "{\"a\":1, \"b\":3, \"c\":4}",
        ),
        (
            "return tostring(map.merge(map{b=2}, map{b=3}, function(x, y) return x * y end))",
            "{\"b\":6}",
        ),
        (
            "return tostring(map.diff(map{a=1, b=2}, map{b=3, c=4}))",
            "{\"a\":1, \"c\":4}",
        ),
        (
            "local m = map.clone(rec.m); m.x = 5; return m.x + rec.m.x",
            "Int(6)",
        ),
        (
            "local b = bytes(); bytes.append_byte(b, 1); local c = bytes(); bytes.append_byte(c, 1); local m = map(); m[b] = 4; return m[c]",
            "Int(4)",
        ),
        (
            "local m = map(); for i = 1, 40 do m[41 - i] = i end; local s = ''; for k in map.keys(m) do s = s .. k end; return s:sub(1, 12)",
            "123456789101",
        ),
    ]);
}

#[test]
fn bytes_do_what_the_guide_says() {
    table(&[
        (
            "local b = bytes(); bytes.append_int16(b, 258); bytes.append_int16_le(b, 258); return tostring(b)",
            "01 02 02 01",
        ),
        (
            "local b = bytes(4); bytes.set_int32(b, 1, -2); return bytes.get_int32(b, 1) .. ' ' .. bytes.get_int32_le(b, 1)",
            "-2 -16777217",
        ),
        (
            "local b = bytes(); bytes.append_int64(b, math.mininteger); return bytes.get_int64(b, 1) == math.mininteger",
            "Bool(true)",
        ),
        (
            "local b = bytes(); bytes.append_string(b, 'hello'); return bytes.get_string(b, 2, 3) .. #b",
            "ell5",
        ),
        (
            "local b = bytes(); b[1] = 5; b[3] = 6; return tostring(b) .. tostring(b[9])",
            "05 00 06nil",
        ),
        (
            "local b = bytes(); bytes.append_var_int(b, 300); local v, n = bytes.get_var_int(b, 1); return v .. ' ' .. n",
            "300 2",
        ),
        (
            "local b = bytes(); return tostring(bytes.append_byte(b, 256))",
            "false",
        ),
        (
            "local b, c = bytes(), bytes(); bytes.append_string(b, 'ab'); bytes.append_bytes(c, b, 9); bytes.append_bytes(c, c, 9); return tostring(c)",
            "61 62 61 62",
        ),
        (
            "local b = bytes(); bytes.set_type(b, 7); return bytes.get_type(b)",
            "Int(7)",
        ),
        (
            "for i = 1, 3 do local b = bytes(); for j = 1, 100 do bytes.append_byte(b, j) end; assert(#b == 100 and b[100] == 100) end",
            "Nil",
        ),
    ]);
}

#[test]
fn nothing_of_the_host_is_in_reach() {
    for name in [
        "io",
        "package",
        "dofile",
        "loadfile",
        "loadstring",
        "string.dump",
        "os.execute",
        "os.exit",
        "os.getenv",
        "os.remove",
        "os.rename",
        "os.tmpname",
        "os.setlocale",
        "debug.getinfo",
    ] {
        let body = format!(
            "local t = _G for k in string.gmatch('{name}', '[^.]+') do if type(t) == 'function' then return nil end t = t[k] end return t == nil"
        );
        let result = eval(&body);
        assert!(
            matches!(&result, Ok(Value::Bool(true) | Value::Nil)),
            "{name}: {result:?}"
        );
    }
    table(
        &[
            ("return load('\\x1bLua')", "Nil"),
            ("return load('return rec')()", "Nil"),
            ("return load('return 1 + 1')()", "Int(2)"),
            (
                "return select(2, pcall(setmetatable, {}, {__gc = print}))",
                "error: ",
            ),
        ][..3],
    );
    let e = text_of(eval("setmetatable({}, {__gc = print})"));
    assert!(e.contains("__gc"), "{e}");
}

#[test]
fn no_call_sees_what_another_left() {
    let attempts = [
        "x = (x or 0) + 1 return x",
        "_G.x = (_G.x or 0) + 1 return x",
        "pcall(function() string.x = (string.x or 0) + 1 end) return (string.x or 0) + 1",
        "pcall(rawset, math, 'x', (math.x or 0) + 1) return math.x or 1",
        "pcall(setmetatable, _G, {__index = function() return 9 end}) x = (x or 0) + 1 return x",
        "local s = getmetatable('') if s then s.x = (s.x or 0) + 1 return s.x end return 1",
        "u = (u0 or 0) + 1 local r = u0 u0 = u return r == nil and 1 or 2",
        "hidden = hidden + 1 return hidden",
        "kept.n = (kept.n or 0) + 1 return kept.n",
        "helper = require('helper') helper.n = (helper.n or 0) + 1 return helper.n",
        "local r = f ~= nil and 1 or 2 f = nil return r",
        "_ENV = {} return 1",
    ];
    for attempt in attempts {
        for prefix in ["", "local hidden = 0 ", "local hidden = 0 kept = {} "] {
            if prefix.is_empty() && attempt.contains("hidden")
                || !prefix.contains("kept") && attempt.contains("kept")
            {
                continue;
            }
            let module = compile(&format!("{prefix}function f() {attempt} end")).expect("compiles");
            let mut instance = module.instantiate().expect("instantiates");
            let mut batch = [missing(), missing(), missing()];
            let results = run_with(&mut *instance, "f", vec![], &Limits::default(), &mut batch);
            assert_eq!(results, vec![Ok(1.into()); 3], "{prefix}{attempt}");
        }
    }
}

#[test]
fn require_finds_registered_modules() {
    assert_eq!(eval("return require('helper').twice(4)"), Ok(8.into()));
    let mut c = missing();
    let text = "local h = require('helper') function f() return h.twice(5) end";
    assert_eq!(run(text, vec![], &mut c), Ok(10.into()));
}

#[test]
fn nothing_outlives_its_time_limit() {
    let limits = Limits {
        time_ms: 40,
        ..Limits::default()
    };
    let endless = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(error) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "coroutine.wrap(function() while true do end end)()",
        "while true do local c = coroutine.create(function() while true do end end) coroutine.resume(c) end",
        "local function h() local y <close> = setmetatable({}, {__close = h}) while true do end end local z <close> = setmetatable({}, {__close = h}) while true do end",
        "local c = coroutine.create(function() local z <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield() end) coroutine.resume(c) coroutine.close(c)",
        "return string.rep('', 1 << 60)",
        "table.move({}, 1, 1 << 60, 2)",
        "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 1)",
        "string.find(string.rep('a', 60), string.rep('a?', 60) .. string.rep('a', 60))",
        "string.gsub(string.rep('a', 30000), '.-.-.-b', '')",
        "for k in string.gmatch(string.rep('a', 30000), '.*.*.*b') do end",
        "local s = string.rep('x', 1000000) while true do s:upper() end",
        "local function r() return pcall(r) end while true do r() end",
        "while true do table.sort({3,2,1}, function(a, b) while true do end end) end",
        "setmetatable({}, {__index = function(t, k) while true do end end}).x = nil; return ({})[setmetatable({}, {})] or (function() while true do end end)()",
    ];
    let mut text = String::from("function ok() return 1 end\n");
    for (i, body) in endless.iter().enumerate() {
        text.push_str(&format!("function f{i}() {body} end\n"));
    }
    let module = compile(&text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    for (i, body) in endless.iter().enumerate() {
        let start = Instant::now();
        let mut batch = [missing(), missing()];
        let results = run_with(
            &mut *instance,
            &format!("f{i}"),
            vec![],
            &limits,
            &mut batch,
        );
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "{body}: {took:?}");
        if !body.contains("rep('', ") {
            let kinds: Vec<_> = results
                .iter()
                .map(|r| r.as_ref().map_err(|e| e.kind))
                .collect();
            assert_eq!(
                kinds,
                [Err(UdfErrorKind::Timeout); 2],
                "{body}: {results:?}"
            );
        }
        let after = run_with(&mut *instance, "ok", vec![], &limits, &mut batch[..1]);
        assert_eq!(after, [Ok(1.into())], "{body}");
    }
}

#[test]
fn an_endless_module_does_not_load() {
    let limits = Limits {
        time_ms: 40,
        ..Limits::default()
    };
    let runtime = LuaRuntime::new(Arc::new(Library));
    let module = runtime
        .compile(source("test", "while true do end"), &limits)
        .expect("parses");
    let e = module.instantiate().err().expect("fails");
    assert_eq!(e.kind, UdfErrorKind::Timeout);
}

#[test]
fn an_aborted_task_ends_soon() {
    let module = compile("function f() while true do end end").expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let limits = Limits {
        time_ms: 60_000,
        ..Limits::default()
    };
    let (args, scope, cancelled) = (pack_list(vec![]), scope(), AtomicBool::new(false));
    let call = Call {
        function: "f",
        args: &args,
        scope: &scope,
        limits: &limits,
        cancelled: &cancelled,
    };
    let mut results = Vec::new();
    let start = Instant::now();
    std::thread::scope(|s| {
        s.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        instance.run(&call, &mut [missing(), missing()], &mut results);
    });
    assert!(start.elapsed() < Duration::from_secs(5));
    for result in results {
        assert_eq!(result.expect_err("ended").kind, UdfErrorKind::Cancelled);
    }
}

#[test]
fn memory_is_limited_and_the_instance_survives() {
    let text = "function f() local t = {} for i = 1, 1e9 do t[i] = {i} end end
        function g() return pcall(string.rep, 'x', 1 << 40) end
        function h() local s = 'x' while true do s = s .. s end end
        function i() while true do pcall(function() local s = 'x' while true do s = s .. s end end) end end
        function r() local function d(n) return 1 + d(n + 1) end return d(1) end
        function c() local function d(n) return (string.gsub('x', 'x', d)) end return d('x') end
        function m() local t = {} setmetatable(t, {__index = function(t, k) return t[k + 1] end}) return t[1] end
        function ok() return 1 end";
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let limits = Limits {
        memory_bytes: 8 << 20,
        time_ms: 10_000,
        ..Limits::default()
    };
    for (name, kind) in [
        ("f", UdfErrorKind::Memory),
        ("h", UdfErrorKind::Memory),
        ("i", UdfErrorKind::Memory),
        ("r", UdfErrorKind::Thrown),
        ("c", UdfErrorKind::Thrown),
        ("m", UdfErrorKind::Thrown),
    ] {
        let mut batch = [missing()];
        let result = run_with(&mut *instance, name, vec![], &limits, &mut batch).remove(0);
        let e = result.expect_err("fails");
        assert!(
            e.kind == kind || name == "r" && e.kind == UdfErrorKind::Memory,
            "{name}: {e:?}"
        );
        let after = run_with(&mut *instance, "ok", vec![], &limits, &mut batch);
        assert_eq!(after, [Ok(1.into())], "{name}");
    }
}

#[test]
fn small_programs_cannot_make_huge_values() {
    let e = text_of(eval(
        "local l = list{1} for i = 1, 50 do l = list{l, l, l, l} end return l",
    ));
    assert!(e.contains("too large"), "{e}");
    let e = eval("local s = string.rep('x', 1 << 20) for i = 1, 1000 do rec['b' .. i] = s end");
    assert_eq!(e.expect_err("fails").kind, UdfErrorKind::Memory);
}

#[test]
fn results_over_the_limit_are_refused() {
    let module = compile("function f(r, n) return string.rep('x', n) end").expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let limits = Limits {
        result_bytes: 100,
        ..Limits::default()
    };
    let mut batch = [missing()];
    let fits = run_with(&mut *instance, "f", vec![100.into()], &limits, &mut batch).remove(0);
    assert!(fits.is_ok());
    let over = run_with(&mut *instance, "f", vec![101.into()], &limits, &mut batch).remove(0);
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
    let results = run_with(&mut *instance, "f", args, &Limits::default(), &mut batch);
    let types = "number number string userdata userdata userdata nil boolean ";
    assert_eq!(results, vec![Ok(types.into()); 3]);
    let args = vec![Value::list([5.into()])];
    let results = run_with(&mut *instance, "g", args, &Limits::default(), &mut batch);
    assert_eq!(results, vec![Ok(2.into()); 3]);
}

#[test]
fn a_failure_is_its_own_records_alone() {
    let module =
        compile("function f(r) if r.a == 2 then error('no') end return r.a end").expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut batch = [1, 2, 3].map(|a: i64| context(&[("a", a.into())]));
    let results = run_with(&mut *instance, "f", vec![], &Limits::default(), &mut batch);
    assert_eq!(results[0], Ok(1.into()));
    assert_eq!(
        results[1].as_ref().map_err(ToString::to_string),
        Err("test.lua:1: no".into())
    );
    assert_eq!(results[2], Ok(3.into()));
}

#[test]
fn patterns_match_as_lua_has_them() {
    table(&[
        ("return string.find('hello world', 'o w')", "Int(5)"),
        ("return (('hello'):gsub('l+', 'L'))", "heLo"),
        (
            "return table.concat({('key = value'):match('^(%w+)%s*=%s*(%w+)$')}, '|')",
            "key|value",
        ),
        ("return ('x'):rep(3, ',') .. ('%d+'):len()", "x,x,x3"),
        (
            "local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[#t+1] = k .. v end return table.concat(t, ';')",
            "a1;b2",
        ),
        ("return (('abc'):gsub('%w', '%0%0'))", "aabbcc"),
        (
            "return (('hello world'):gsub('o', {o = '0'}))",
            "hell0 w0rld",
        ),
        ("return (('abc'):gsub('', '-'))", "-a-b-c-"),
        ("return ('THE (quick) fox'):find('%((%a+)%)')", "Int(5)"),
        ("return ('f(a(b)c)d'):match('%b()')", "(a(b)c)"),
        (
            "return ('THE (quick) fox'):gsub('%f[%a]%a+', string.lower)",
            "the (quick) fox",
        ),
        ("return ('  trim  '):match('^%s*(.-)%s*$')", "trim"),
        ("return ('abcabc'):match('(a)(b)c%1%2')", "a"),
        (
            "return select(2, ('abc'):gsub('.', function(c) return nil end))",
            "Int(3)",
        ),
        ("return ('a.b'):find('.', 1, true)", "Int(2)"),
        ("return ('abc'):match('()b()')", "Int(2)"),
        ("return ('x-y'):gsub('%-', '%%')", "x%y"),
        ("return ('[a]'):match('[]a]+')", "a]"),
        ("return ('09af'):match('^[0-9a-f]+$')", "09af"),
        ("return ('x'):match('[^%d]')", "x"),
        (
            "string.find('a', '[a')",
            "error: test.lua:1: malformed pattern (missing ']')",
        ),
        (
            "string.find('a', '%')",
            "error: test.lua:1: malformed pattern (ends with '%')",
        ),
        (
            "string.find('a', '(a')",
            "error: test.lua:1: unfinished capture",
        ),
        (
            "string.gsub('a', 'a', '%2')",
            "error: test.lua:1: invalid capture index %2 in replacement string",
        ),
        (
            "local n = 0 for w in ('one two'):gmatch('%a+') do n = n + 1 end return n",
            "Int(2)",
        ),
        ("return ('abc'):find('b', -1)", "Nil"),
        ("return ('abc'):find('', 10)", "Nil"),
        ("return ('abc'):find('', 4)", "Int(4)"),
    ]);
}

#[test]
fn the_guides_module_works() {
    let text = include_str!("../../../../udfs/lua/my_module.lua");
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut batch = [context(&[("name", "Ann".into()), ("score", 3.into())])];
    let limits = Limits::default();
    let args = vec!["a".into(), "b".into()];
    assert_eq!(
        run_with(
            &mut *instance,
            "transform_record",
            args,
            &limits,
            &mut batch
        ),
        [Ok(1.into())]
    );
    let args = vec![42.into()];
    assert_eq!(
        run_with(
            &mut *instance,
            "get_computed_value",
            args,
            &limits,
            &mut batch
        ),
        [Ok(126.into())]
    );
    let expected = Value::map([("name".into(), "Ann".into()), ("visits".into(), 1.into())]);
    assert_eq!(
        run_with(
            &mut *instance,
            "process_record",
            vec![],
            &limits,
            &mut batch
        ),
        [Ok(expected)]
    );
}

/// Run with `cargo test --release lua -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn nanoseconds_per_record() {
    let text = include_str!("../../../../udfs/lua/bench.lua");
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
    let limits = Limits::default();
    for (function, args) in [
        ("noop", vec![]),
        ("bump", vec![1.into()]),
        ("listsum", vec![]),
        ("score", vec![1.into()]),
        ("fnv", vec![]),
    ] {
        let args = pack_list(args);
        let (scope, cancelled) = (scope(), AtomicBool::new(false));
        let call = Call {
            function,
            args: &args,
            scope: &scope,
            limits: &limits,
            cancelled: &cancelled,
        };
        let mut results = Vec::new();
        let mut best = f64::MAX;
        for _ in 0..5 {
            let start = thread_nanos();
            for _ in 0..400 {
                results.clear();
                batch.iter_mut().for_each(RecordContext::reset);
                instance.run(&call, &mut batch, &mut results);
            }
            best = best.min((thread_nanos() - start) / (400.0 * 256.0));
        }
        assert!(results.iter().all(Result::is_ok), "{:?}", results[0]);
        println!("{function:8} {best:7.0} ns/record");
    }
}

/// The processor time of this thread, which other work on the machine does not lengthen.
fn thread_nanos() -> f64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the struct is valid for writing.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t) };
    t.tv_sec as f64 * 1e9 + t.tv_nsec as f64
}
