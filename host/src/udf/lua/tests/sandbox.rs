//! What is out of reach.

use super::*;

#[test]
fn nothing_of_the_host_is_in_reach() {
    for name in [
        "io",
        "package",
        "dofile",
        "loadfile",
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
fn no_call_foresees_the_random_numbers_of_the_next() {
    let text = "function seed() math.randomseed(7) return math.random(1 << 40) end
        function draw() return math.random(1 << 40) end";
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let mut call = |f: &str| run_with(&mut *instance, f, vec![], &mut [missing()]).remove(0);
    assert_eq!(call("seed"), call("seed"));
    let drawn = call("draw");
    assert!(call("seed").is_ok());
    assert_ne!(call("draw"), drawn);
}

#[test]
fn no_call_sees_what_another_left() {
    let attempts = [
        "x = (x or 0) + 1 return x",
        "_G.x = (_G.x or 0) + 1 return x",
        "string.x = (string.x or 0) + 1 return string.x",
        "string.x = (string.x or 0) + 1 string.x = string.x + 1 string.x = nil return string.x == nil and 1",
        "rawset(math, 'x', (math.x or 0) + 1) return math.x",
        "function list.x() end local n = 0 for k in pairs(list) do n = n + (k == 'x' and 1 or 0) end list.x = nil return n",
        "math.floor, math.n = function() return math.n end, (math.n or 0) + 1 return math.floor()",
        "getmetatable('').__index.x = (('').x or 0) + 1 return ('').x",
        "getmetatable(rec).x = (getmetatable(rec).x or 0) + 1 return getmetatable(rec).x",
        "pcall(setmetatable, _G, {__index = function() return 9 end}) x = (x or 0) + 1 return x",
        "local s = getmetatable('') if s then s.x = (s.x or 0) + 1 return s.x end return 1",
        "u = (u0 or 0) + 1 local r = u0 u0 = u return r == nil and 1 or 2",
        "hidden = hidden + 1 return hidden",
        "kept.n = (kept.n or 0) + 1 return kept.n",
        "helper = require('helper') helper.n = (helper.n or 0) + 1 return helper.n",
        "local r = f ~= nil and 1 or 2 f = nil return r",
        "_ENV = {} return 1",
        "local h = require('helper') local old = h.twice h.twice = nil return old(0.5) | 0",
        "kept_coroutine = kept_coroutine or coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) return kept_coroutine()",
    ];
    for attempt in attempts {
        for prefix in ["", "local hidden = 0 ", "local hidden = 0 kept = {} "] {
            if prefix.is_empty() && attempt.contains("hidden")
                || !prefix.contains("kept") && attempt.contains("kept")
            {
                continue;
            }
            let module =
                compile(&format!("{prefix}function f(rec) {attempt} end")).expect("compiles");
            let mut instance = module.instantiate().expect("instantiates");
            let mut batch = [missing(), missing(), missing()];
            let results = run_with(&mut *instance, "f", vec![], &mut batch);
            assert_eq!(results, vec![Ok(1.into()); 3], "{prefix}{attempt}");
        }
    }
}
