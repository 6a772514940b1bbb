//! What a component finds of the outside: all of WASI, and nothing in it.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use petrel::model::{EPOCH_OFFSET_SECS, Grants, Isolation, Limits, Value, msgpack};
use petrel::udf::{Allowance, Budget, Granted, Instance, UdfErrorKind, UdfResult};

use crate::fixture::{missing, module, module_with, scope};

fn instance() -> Box<dyn Instance> {
    module("outside").instantiate().expect("an instance")
}

fn call(instance: &mut dyn Instance, function: &str, arguments: &[Value]) -> UdfResult {
    let arguments = msgpack::pack_list(arguments.to_vec());
    let mut results = Vec::new();
    instance
        .open(function, &arguments)
        .expect("the function is there")
        .each(&mut [missing()], &scope(), &Budget::default(), &mut results);
    results.remove(0)
}

fn failure(function: &str, arguments: &[Value]) -> (UdfErrorKind, String) {
    let error = call(&mut *instance(), function, arguments).expect_err("the function fails");
    (error.kind, error.message)
}

#[test]
fn there_is_no_environment_no_argument_no_input_and_no_directory() {
    let mut instance = instance();
    let cases = [
        ("given", vec![], Value::Int(0)),
        ("variable", vec!["PATH".into()], Value::Nil),
        ("input_is_empty", vec![], Value::Bool(true)),
        ("directories", vec![], Value::list(Vec::<Value>::new())),
    ];
    for (function, arguments, expected) in cases {
        let got = call(&mut *instance, function, &arguments);
        assert_eq!(got, Ok(expected), "{function}");
    }
}

#[test]
fn the_wall_clock_stands_at_the_time_of_the_batch() {
    let expected = EPOCH_OFFSET_SECS as i64 + i64::from(scope().now);
    let got = call(&mut *instance(), "wall", &[]);
    assert_eq!(got, Ok(Value::Int(expected)));
}

#[test]
fn the_monotonic_clock_does_not_move_and_nothing_waits_for_it() {
    let began = Instant::now();
    let moved = call(&mut *instance(), "nap", &[Value::Int(3_600_000)]);
    assert_eq!(moved, Ok(Value::Int(0)));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn random_numbers_are_the_same_in_every_instance() {
    let mut first = instance();
    let numbers = call(&mut *first, "numbers", &[]);
    assert!(numbers.is_ok());
    assert_eq!(numbers, call(&mut *instance(), "numbers", &[]));
    assert_ne!(numbers, call(&mut *first, "numbers", &[]));
}

#[test]
fn an_exit_is_a_failure_whatever_its_status() {
    let (kind, message) = failure("leave", &[]);
    assert_eq!(kind, UdfErrorKind::Trap);
    assert!(message.contains("called exit with status 0"), "{message}");
}

#[test]
fn what_one_instance_makes_the_host_hold_is_bounded() {
    let (_, message) = failure("hoard", &[]);
    assert!(message.contains("resource table"), "{message}");
    let (_, message) = failure("random_bytes", &[Value::Int(1 << 40)]);
    assert!(message.contains("is the most"), "{message}");
    // 40 MiB without an end of line.
    let said = call(&mut *instance(), "drone", &[Value::Int(10_000)]);
    assert_eq!(said, Ok(Value::Nil));
}

/// An instance of the module with grants.
fn granted(grants: &Grants) -> Box<dyn Instance> {
    let allowance = Allowance {
        limits: Limits {
            time_ms: 400,
            ..Limits::default()
        },
        granted: Granted::open(grants).expect("can be granted").into(),
        ..Allowance::default()
    };
    let module = module_with("outside", allowance);
    module.instantiate().expect("an instance")
}

fn reads(path: &Path) -> Grants {
    Grants {
        read: [("in".to_owned(), path.to_owned())].into(),
        ..Grants::default()
    }
}

fn writes(path: &Path) -> Grants {
    Grants {
        write: [("out".to_owned(), path.to_owned())].into(),
        ..Grants::default()
    }
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| (*text).into()).collect()
}

#[track_caller]
fn refuses(instance: &mut dyn Instance, function: &str, arguments: &[&str], why: &str) {
    let refused = call(instance, function, &texts(arguments)).expect_err("it is refused");
    let message = refused.to_string();
    assert!(
        message.contains(why),
        "{arguments:?}: {message} does not say {why}"
    );
}

#[test]
fn a_granted_variable_clock_and_randomness_are_real() {
    let mut instance = granted(&Grants {
        environment: vec!["PATH".into()],
        wall_clock: true,
        monotonic_clock: true,
        random: true,
        ..Grants::default()
    });
    let path = std::env::var("PATH").expect("every process has one");
    assert_eq!(
        call(&mut *instance, "variable", &texts(&["PATH"])),
        Ok(path.into())
    );
    assert_eq!(call(&mut *instance, "given", &[]), Ok(Value::Int(1)));
    let now = call(&mut *instance, "wall", &[]);
    assert!(
        matches!(now, Ok(Value::Int(now)) if now > 1_700_000_000),
        "{now:?}"
    );
    let moved = call(&mut *instance, "nap", &[Value::Int(20)]);
    assert!(matches!(moved, Ok(Value::Int(20..))), "{moved:?}");
    let numbers = call(&mut *instance, "numbers", &[]);
    assert_ne!(numbers, call(&mut *instance, "numbers", &[]));
}

#[test]
fn a_function_that_sleeps_ends_too() {
    let mut instance = granted(&Grants {
        monotonic_clock: true,
        ..Grants::default()
    });
    let began = Instant::now();
    let slept = call(&mut *instance, "nap", &[Value::Int(3_600_000)]);
    assert_eq!(slept.map_err(|e| e.kind), Err(UdfErrorKind::Timeout));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn files_are_read_and_written_as_granted() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    let long = "x".repeat(200_000);
    std::fs::write(dir.path().join("deep/words"), &long).unwrap();
    let mut reader = granted(&reads(dir.path()));
    let words = texts(&["in", "deep/words"]);
    assert_eq!(call(&mut *reader, "read", &words), Ok(long.as_str().into()));
    assert_eq!(call(&mut *reader, "drain", &words), Ok(Value::Int(200_000)));
    let names = call(&mut *reader, "list", &texts(&["in", "deep"]));
    assert_eq!(names, Ok(Value::list(["words".into()])));
    refuses(&mut *reader, "write", &["in", "new", "text"], "read-only");
    refuses(
        &mut *reader,
        "write",
        &["in", "deep/words", "text"],
        "read-only",
    );
    refuses(
        &mut *reader,
        "write_what_is_open_for_reading",
        &["in", "deep/words"],
        "bad-descriptor",
    );
    for what in ["mkdir", "rmdir", "unlink", "rename"] {
        refuses(
            &mut *reader,
            "change",
            &["in", what, "deep", "else"],
            "read-only",
        );
    }

    let mut writer = granted(&writes(dir.path()));
    for text in ["longer", "new"] {
        let written = call(&mut *writer, "write", &texts(&["out", "new", text]));
        assert_eq!(written, Ok(Value::Nil));
        assert_eq!(
            std::fs::read_to_string(dir.path().join("new")).unwrap(),
            text
        );
    }
    for (what, from, to) in [
        ("mkdir", "d", ""),
        ("rename", "new", "d/new"),
        ("unlink", "d/new", ""),
        ("rmdir", "d", ""),
    ] {
        let changed = call(&mut *writer, "change", &texts(&["out", what, from, to]));
        assert_eq!(changed, Ok(Value::Nil), "{what}");
    }
    for link in ["symlink", "link"] {
        refuses(
            &mut *writer,
            "change",
            &["out", link, "deep/words", "l"],
            "not-permitted",
        );
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn no_path_leads_out_of_a_granted_directory() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(dir.path().join("secret"), "s").unwrap();
    symlink("../secret", inside.join("up")).unwrap();
    symlink(dir.path().join("secret"), inside.join("absolute")).unwrap();
    symlink("..", inside.join("parent")).unwrap();
    symlink("/", inside.join("root")).unwrap();
    symlink("../new", inside.join("dangling")).unwrap();
    let mut instance = granted(&writes(&inside));
    for path in [
        "../secret",
        "./../secret",
        "/etc/passwd",
        "up",
        "absolute",
        "parent/secret",
        "root/etc/passwd",
        "../../../../../../../etc/passwd",
        "..",
        "",
        "\0",
    ] {
        refuses(&mut *instance, "read", &["out", path], "");
        refuses(&mut *instance, "write", &["out", path, "overwritten"], "");
        refuses(&mut *instance, "list", &["out", path], "");
    }
    for path in ["..", "parent", "root", "/"] {
        refuses(&mut *instance, "list", &["out", path], "");
    }
    for path in ["../new", "dangling", "parent/new"] {
        refuses(&mut *instance, "write", &["out", path, "new"], "");
    }
    for (what, from, to) in [
        ("unlink", "../secret", ""),
        ("unlink", "parent/secret", ""),
        ("rename", "../secret", "mine"),
        ("rename", "up", "../moved"),
        ("mkdir", "../d", ""),
    ] {
        refuses(&mut *instance, "change", &["out", what, from, to], "");
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("secret")).unwrap(),
        "s"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(dir.path().join("pipe"))
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let began = Instant::now();
    let mut instance = granted(&writes(dir.path()));
    refuses(&mut *instance, "read", &["out", "pipe"], "invalid");
    refuses(&mut *instance, "write", &["out", "pipe", "x"], "invalid");
    let stat = call(&mut *instance, "stat", &texts(&["out", "pipe"]));
    assert!(stat.is_ok(), "{stat:?}");
    let mut devices = granted(&reads(Path::new("/dev")));
    for device in ["zero", "random", "tty", "full"] {
        refuses(&mut *devices, "drain", &["in", device], "");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_swap_of_a_directory_for_a_link_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    std::fs::create_dir_all(inside.join("d")).unwrap();
    std::fs::write(inside.join("d/file"), "mine").unwrap();
    std::fs::write(dir.path().join("file"), "secret").unwrap();
    symlink("..", inside.join("link")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (stop, inside) = (stop.clone(), inside.clone());
        move || {
            while !stop.load(Relaxed) {
                for (from, to) in [("d", "kept"), ("link", "d"), ("d", "link"), ("kept", "d")] {
                    std::fs::rename(inside.join(from), inside.join(to)).unwrap();
                }
            }
        }
    });
    let mut instance = granted(&reads(&inside));
    let path = texts(&["in", "d/file"]);
    let mut read = 0;
    for _ in 0..2_000 {
        if let Ok(text) = call(&mut *instance, "read", &path) {
            assert_eq!(text, "mine".into());
            read += 1;
        }
    }
    stop.store(true, Relaxed);
    swapper.join().unwrap();
    assert!(read > 0);
}

#[test]
fn with_isolation_by_call_nothing_is_left_of_the_record_before() {
    for (isolation, numbers_differ) in [(Isolation::Shared, true), (Isolation::Call, false)] {
        let allowance = Allowance {
            isolation,
            ..Allowance::default()
        };
        let mut instance = module_with("outside", allowance).instantiate().unwrap();
        let mut results = Vec::new();
        let open = instance.open("numbers", &msgpack::pack_list(Vec::<Value>::new()));
        let mut batch = [missing(), missing()];
        open.expect("the function is there").each(
            &mut batch,
            &scope(),
            &Budget::default(),
            &mut results,
        );
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(results[0] != results[1], numbers_differ, "{isolation:?}");
    }
}
