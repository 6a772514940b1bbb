//! Functions that try to outlive their limits, and modules that try to leave something behind.

use super::*;

/// Of each row: the body of a function that would not end, or not soon.
const HOSTILE: &[&str] = &[
    // Patterns and strings.
    "string.find(string.rep('a', 1 << 16), string.rep('a?', 32) .. string.rep('a', 32) .. 'b')",
    "local s, p = string.rep('a', 1 << 22), string.rep('a', 1 << 21) .. 'b' while true do string.find(s, p, 1, true) end",
    "string.gsub(string.rep('x', 1 << 20), '', type) while true do end",
    "while true do string.format('%99d %s', 1, string.rep('x', 1 << 20)) end",
    "while true do pcall(string.format, '%99999d', 1) end",
    "while true do pcall(string.rep, 'x', 1 << 40) end",
    "while true do pcall(load, string.rep('(', 1000)) end",
    "local s = 'x' while true do s = s .. s end",
    // Tables.
    "table.concat(setmetatable({}, {__len = function() return 1 << 60 end, __index = rawlen}))",
    "local t = {} for i = 1, 1 << 18 do t[i] = 'x' end while true do table.concat(t, ',') end",
    "table.sort(setmetatable({}, {__len = function() return 2^31 - 2 | 0 end, __index = rawlen, __newindex = rawequal}))",
    "local t = {} for i = 1, 3 << 17 do t[i] = (i * 7919) % 1000003 end while true do table.sort(t) table.sort(t, math.ult) end",
    "table.sort({1, 2, 3}, function(a, b) while true do end end)",
    "local t = {} for i = 1, 1000 do t[i] = i end while true do pcall(table.sort, t, function() return true end) end",
    "while true do pcall(table.unpack, setmetatable({}, {__index = rawlen}), 1, 1 << 60) end",
    "while true do next({}) end",
    // Recursion.
    "local function f() return 1 + f() end return f()",
    "local t = {} for _, k in ipairs{'__index', '__newindex', '__call', '__add', '__concat', '__eq', '__lt', '__len', '__tostring', '__pairs', '__close'} do t[k] = function(a, b) return a[k] + (a .. b) end end local x = setmetatable({}, t) while true do pcall(tostring, x) pcall(function() return x + x end) end",
    "local function f(x) return (x:gsub('.', f)) end while true do pcall(f, 'x') end",
    "local function f() return load('return ...')(f)() end while true do pcall(f) end",
    // Coroutines.
    "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "local t = {} while true do local c = coroutine.create(function() coroutine.yield() end) coroutine.resume(c) t[#t + 1] = c end",
    "local c c = coroutine.wrap(function() while true do pcall(c) end end) c()",
    "while true do coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield() end)() end",
    "while true do local c = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() error('x') end}) coroutine.yield() end) coroutine.resume(c) pcall(coroutine.close, c) end",
    // Errors.
    "local function h(e) error(e) end while true do xpcall(error, h, 'x') end",
    "local function h(e) while true do end end while true do xpcall(error, h, 'x') end",
    "local function f() local ok, e = pcall(f) error(e) end while true do pcall(f) end",
    "while true do local x <close> = setmetatable({}, {__close = function(_, e) while true do end end}) error('x') end",
    "while true do pcall(setmetatable, {}, {__gc = function() while true do end end}) end",
    "goto l ::l:: goto l",
    // Collections.
    "local l = list() while true do list.append(l, 1) end",
    "local l = list() while true do list.prepend(l, 1) end",
    "local m, i = map(), 0 while true do i = i + 1 m[i] = i end",
    "local m, i = map(), 0 while true do i = i + 1 m['k' .. i] = list{i} end",
    "local l = list{1} while true do list.concat(l, l) end",
    "local l = list{1} while true do l = list.merge(l, l) end",
    "local l = list() for i = 1, 1 << 16 do list.append(l, i) end while true do list.drop(list.clone(l), 1) end",
    "local b = bytes(1) while true do b = bytes(bytes.size(b) * 2) end",
    "local m = map() for i = 1, 1 << 15 do m[i] = i end while true do map.merge(m, m, math.max) map.diff(m, m) end",
    "while true do for x in list.iterator(list{1, 2}) do end end",
    // The record.
    "while true do rec.x = string.rep('x', 1 << 20) end",
    "local i = 0 while true do i = i + 1 rec['b' .. i % 1000] = i aerospike:update(rec) end",
    "rec.l = list() while true do list.append(rec.l, 1) aerospike:update(rec) end",
    "while true do aerospike:remove(rec) rec.a = 1 aerospike:create(rec) end",
    "while true do pcall(require, 'nothing') end",
    "while true do require('helper') end",
    "while true do aerospike:log(4, 'x') end",
    "while true do string.x = {} end",
    // Instructions that take long, one by one.
    "local s = string.rep('x', 1 << 20) while true do s:rep(4):upper():reverse():lower() end",
    "while true do pcall(table.unpack, {}, 1, 900000) end",
    "local function f() return coroutine.wrap(f)() end while true do pcall(f) end",
    "local l = list{1} while true do l = list{l, l, l, l} tostring(l) end",
    "while true do load(string.rep('x = 1 ', 1 << 17)) end",
    "while true do load(string.rep(' ', 1 << 23)) end",
    "local l = list{1} while true do l = list{l, l, l, l} pcall(tostring, l) end",
    "local l = list{1} for i = 1, 11 do l = list{l, l, l, l} end return l",
    "local l = list{1} for i = 1, 11 do l = list{l, l, l, l} end rec.l = l aerospike:update(rec)",
    "local m = map() for i = 1, 1 << 17 do m[i * 7919 % 1000003] = i end while true do map.keys(m) map.clone(m) end",
    "local t = {} for i = 1, 1 << 18 do t[i] = i end for i = 1, 1 << 18 do t[i] = nil end while true do next(t) end",
    "while true do pcall(os.date, string.rep('%c', 1 << 18)) end",
    "while true do pcall(os.date, string.rep('%c', 1 << 15)) end",
    "local t = {} for i = 1, 1 << 16 do t[i] = 1e308 end while true do pcall(string.format, string.rep('%.99f', 1 << 16), table.unpack(t)) end",
    "local b = bytes(1) bytes.set_string(b, 1, string.rep('x', 1 << 22)) while true do tostring(b) end",
    "local b = bytes(1) bytes.set_string(b, 1, string.rep('x', 1 << 22)) local l = list{b, b} while true do tostring(l) end",
    "while true do pcall(tonumber, string.rep('9', 1 << 24)) end",
    "while true do pcall(tonumber, string.rep('9', 1 << 24) .. '.5') end",
    "while true do pcall(require, 'long') end",
];

/// How often each runs, one after the other, in one instance.
const RUNS: u32 = 5;

#[test]
fn nothing_takes_twice_its_time() {
    let limits = Limits {
        time_ms: 100,
        memory_bytes: 24 << 20,
        ..Limits::default()
    };
    let mut text = String::from("function ok() return #string.rep('x', 10) end\n");
    for (i, body) in HOSTILE.iter().enumerate() {
        text.push_str(&format!("function f{i}(rec) {body} end\n"));
    }
    let module = compile_within(&text, &limits).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    for (i, body) in HOSTILE.iter().enumerate() {
        let mut took = f64::MAX;
        for _ in 0..RUNS {
            let start = thread_nanos();
            let mut batch = [context(&[("a", 1.into())])];
            let result = run_with(&mut *instance, &format!("f{i}"), vec![], &mut batch).remove(0);
            took = took.min(thread_nanos() - start);
            let e = result.expect_err(body);
            let told = matches!(
                e.kind,
                UdfErrorKind::Timeout
                    | UdfErrorKind::Memory
                    | UdfErrorKind::Thrown
                    | UdfErrorKind::Result
            );
            assert!(told, "{body}: {e:?}");
            let after = run_with(&mut *instance, "ok", vec![], &mut batch);
            assert_eq!(after, [Ok(10.into())], "{body}");
        }
        // The shortest: a garbage collection takes longer beside other work.
        let took = Duration::from_nanos(took as u64);
        assert!(took < 2 * limits.time(), "{body}: {took:?}");
    }
}
