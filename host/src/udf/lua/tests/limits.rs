//! Time, memory and abort.

use super::*;

#[test]
fn nothing_outlives_its_time_limit() {
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
    let limits = Limits {
        time_ms: 40,
        ..Limits::default()
    };
    let module = compile_within(&text, &limits).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    for (i, body) in endless.iter().enumerate() {
        let start = Instant::now();
        let mut batch = [missing(), missing()];
        let results = run_with(&mut *instance, &format!("f{i}"), vec![], &mut batch);
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
        let after = run_with(&mut *instance, "ok", vec![], &mut batch[..1]);
        assert_eq!(after, [Ok(1.into())], "{body}");
    }
}

#[test]
fn an_aborted_task_ends_soon() {
    let limits = Limits {
        time_ms: 60_000,
        ..Limits::default()
    };
    let module = compile_within("function f() while true do end end", &limits).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let cancel = Cancel::new();
    let budget = Budget {
        cancel: Some(cancel.clone()),
        ..Budget::default()
    };
    let mut results = Vec::new();
    let start = Instant::now();
    std::thread::scope(|s| {
        s.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            cancel.cancel();
        });
        let open = instance.open("f", &pack_list(vec![])).expect("opens");
        open.each(&mut [missing(), missing()], &scope(), &budget, &mut results);
    });
    assert!(start.elapsed() < Duration::from_secs(5));
    for result in results {
        assert_eq!(result.expect_err("ended").kind, UdfErrorKind::Cancelled);
    }
}

#[test]
fn what_outruns_its_callers_patience_says_so_and_what_does_not_is_left_alone() {
    let text = "function f() while true do end end function ok() return 1 end";
    let module = compile(text).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    let budget = Budget {
        patience: Some(Duration::from_millis(2)),
        ..Budget::default()
    };
    for (function, kind) in [("f", Some(UdfErrorKind::Overran)), ("ok", None)] {
        let mut results = Vec::new();
        let open = instance.open(function, &pack_list(vec![])).expect("opens");
        open.each(&mut [missing()], &scope(), &budget, &mut results);
        assert_eq!(results.remove(0).err().map(|e| e.kind), kind);
    }
}

#[test]
fn a_module_that_is_slow_to_load_does_not_outstay_its_callers_patience() {
    let limits = Limits {
        time_ms: 10_000,
        ..Limits::default()
    };
    let text = "for i = 1, 2e7 do end function f() return 1 end";
    let module = compile_within(text, &limits).expect("compiles");
    let impatient = Budget {
        patience: Some(Duration::from_millis(2)),
        ..Budget::default()
    };
    let run = |instance: &mut dyn Instance, budget: &Budget| {
        let mut results = Vec::new();
        let open = instance.open("f", &pack_list(vec![])).expect("opens");
        open.each(&mut [missing()], &scope(), budget, &mut results);
        results.remove(0).map_err(|e| e.kind)
    };
    // The first instance finds the module loaded, as it was checked.
    let mut first = module.instantiate().expect("instantiates");
    assert_eq!(run(&mut *first, &impatient), Ok(1.into()));
    let mut second = module.instantiate().expect("instantiates");
    assert_eq!(run(&mut *second, &impatient), Err(UdfErrorKind::Overran));
    assert_eq!(run(&mut *second, &Budget::default()), Ok(1.into()));
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
    let limits = Limits {
        memory_bytes: 8 << 20,
        time_ms: 10_000,
        ..Limits::default()
    };
    let module = compile_within(text, &limits).expect("compiles");
    let mut instance = module.instantiate().expect("instantiates");
    for (name, kind) in [
        ("f", UdfErrorKind::Memory),
        ("h", UdfErrorKind::Memory),
        ("i", UdfErrorKind::Memory),
        ("r", UdfErrorKind::Thrown),
        ("c", UdfErrorKind::Thrown),
        ("m", UdfErrorKind::Thrown),
    ] {
        let mut batch = [missing()];
        let result = run_with(&mut *instance, name, vec![], &mut batch).remove(0);
        let e = result.expect_err("fails");
        assert!(
            e.kind == kind || name == "r" && e.kind == UdfErrorKind::Memory,
            "{name}: {e:?}"
        );
        let after = run_with(&mut *instance, "ok", vec![], &mut batch);
        assert_eq!(after, [Ok(1.into())], "{name}");
    }
}

#[test]
fn small_programs_cannot_make_huge_values() {
    let e = text_of(eval(
        "local l = list{string.rep('x', 1000)} for i = 1, 50 do l = list{l, l, l, l} end return l",
    ));
    assert!(e.contains("too large"), "{e}");
    let e = eval("local s = string.rep('x', 1 << 20) for i = 1, 1000 do rec['b' .. i] = s end");
    assert_eq!(e.expect_err("fails").kind, UdfErrorKind::Memory);
}
