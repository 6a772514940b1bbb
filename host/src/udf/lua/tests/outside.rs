//! What a module finds of the outside when it was granted some of it.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Library, missing, run_with, source};
use crate::model::{Grants, Isolation, Limits, Value};
use crate::udf::lua::LuaRuntime;
use crate::udf::{Allowance, Granted, Instance, Runtime};

const MODULE: &str = "
    function there() return petrel and true or false end
    function has(rec, name) return petrel[name] and true or false end
    function read(rec, path) return petrel.read(path) end
    function write(rec, path, text) petrel.write(path, text) return petrel.read(path) end
    function try(rec, path) return pcall(petrel.read, path) end
    function env(rec, name) return petrel.env(name) end
    function later() local a = petrel.monotonic() return petrel.monotonic() >= a end
    function now() return petrel.now() > 1.7e9 end
    function random(rec, n) return petrel.random(n) ~= petrel.random(n) end
";

fn instance_of(text: &str, grants: &Grants, limits: &Limits) -> Box<dyn Instance> {
    let allowance = Allowance {
        limits: limits.clone(),
        granted: Granted::open(grants).expect("can be granted").into(),
        isolation: Isolation::Shared,
    };
    LuaRuntime::new(std::sync::Arc::new(Library))
        .compile(source("test", text), &allowance)
        .expect("compiles")
        .instantiate()
        .expect("instantiates")
}

fn instance(grants: &Grants) -> Box<dyn Instance> {
    instance_of(MODULE, grants, &Limits::default())
}

fn call(instance: &mut dyn Instance, function: &str, args: &[Value]) -> Result<Value, String> {
    let mut results = run_with(instance, function, args.to_vec(), &mut [missing()]);
    results.remove(0).map_err(|e| e.to_string())
}

#[track_caller]
fn refuses(instance: &mut dyn Instance, function: &str, args: &[Value], why: &str) {
    let message = call(instance, function, args).expect_err("it is refused");
    assert!(message.contains(why), "{message:?} does not say {why:?}");
}

fn granted(read: &Path) -> Grants {
    Grants {
        read: [("in".to_owned(), read.to_owned())].into(),
        ..Grants::default()
    }
}

#[test]
fn without_a_grant_there_is_nothing() {
    let there = call(&mut *instance(&Grants::default()), "there", &[]);
    assert_eq!(there, Ok(Value::Bool(false)));
}

#[test]
fn each_function_comes_with_its_grant() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_owned();
    let none = Grants::default;
    let rows: [(Grants, &[&str]); 6] = [
        (granted(dir.path()), &["read"]),
        (
            Grants {
                write: [("out".to_owned(), path)].into(),
                ..none()
            },
            &["read", "write"],
        ),
        (
            Grants {
                environment: vec!["PATH".into()],
                ..none()
            },
            &["env"],
        ),
        (
            Grants {
                wall_clock: true,
                ..none()
            },
            &["now"],
        ),
        (
            Grants {
                monotonic_clock: true,
                ..none()
            },
            &["monotonic"],
        ),
        (
            Grants {
                random: true,
                ..none()
            },
            &["random"],
        ),
    ];
    for (grants, names) in rows {
        let mut instance = instance(&grants);
        for name in ["read", "write", "env", "now", "monotonic", "random"] {
            let has = call(&mut *instance, "has", &[name.into()]);
            assert_eq!(
                has,
                Ok(Value::Bool(names.contains(&name))),
                "{name} of {grants:?}"
            );
        }
    }
}

#[test]
fn files_of_a_granted_directory_are_read_and_written_as_granted() {
    let (read, write) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(read.path().join("deep")).unwrap();
    std::fs::write(read.path().join("deep/words"), "a\0b").unwrap();
    let grants = Grants {
        write: [("out".to_owned(), write.path().to_owned())].into(),
        ..granted(read.path())
    };
    let mut instance = instance(&grants);
    let text = call(&mut *instance, "read", &["in/deep/words".into()]);
    assert_eq!(text, Ok("a\0b".into()));
    for text in ["longer", "new"] {
        let written = call(&mut *instance, "write", &["out/x".into(), text.into()]);
        assert_eq!(written, Ok(text.into()));
        assert_eq!(
            std::fs::read_to_string(write.path().join("x")).unwrap(),
            text
        );
    }
    refuses(
        &mut *instance,
        "write",
        &["in/x".into(), "y".into()],
        "granted to read",
    );
    assert!(!read.path().join("x").exists());
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
    let mut instance = instance(&granted(&inside));
    for path in [
        "in/../secret",
        "in/./../secret",
        "in//etc/passwd",
        "/etc/passwd",
        "in/up",
        "in/absolute",
        "in/parent/secret",
        "in/root/etc/passwd",
        "in/../../../../../../etc/passwd",
        "../secret",
        "secret",
        "in",
        "in/",
        "",
        "in/\0",
    ] {
        refuses(&mut *instance, "read", &[path.into()], "");
    }
}

#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = CString::new(dir.path().join("pipe").as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is a C string.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let began = Instant::now();
    refuses(
        &mut *instance(&granted(dir.path())),
        "read",
        &["in/pipe".into()],
        "no regular file",
    );
    let mut devices = instance(&granted(Path::new("/dev")));
    for device in ["in/zero", "in/random", "in/tty", "in/full"] {
        refuses(&mut *devices, "read", &[device.into()], "");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_file_beyond_the_memory_limit_is_refused_and_the_module_may_go_on() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("big"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let limits = Limits {
        memory_bytes: 8 << 20,
        ..Limits::default()
    };
    let mut instance = instance_of(MODULE, &granted(dir.path()), &limits);
    refuses(&mut *instance, "read", &["in/big".into()], "memory-bytes");
    let caught = call(&mut *instance, "try", &["in/big".into()]);
    assert_eq!(caught, Ok(Value::Bool(false)));
}

#[test]
fn only_variables_that_were_granted_are_seen() {
    let grants = Grants {
        environment: vec!["PATH".into(), "PETREL_HAS_NO_SUCH_VARIABLE".into()],
        ..Grants::default()
    };
    let mut instance = instance(&grants);
    let path = std::env::var("PATH").expect("every process has one");
    assert_eq!(
        call(&mut *instance, "env", &["PATH".into()]),
        Ok(path.into())
    );
    for name in ["HOME", "PETREL_HAS_NO_SUCH_VARIABLE"] {
        assert_eq!(
            call(&mut *instance, "env", &[name.into()]),
            Ok(Value::Nil),
            "{name}"
        );
    }
}

#[test]
fn clocks_and_random_numbers_are_real_when_granted() {
    let grants = Grants {
        wall_clock: true,
        monotonic_clock: true,
        random: true,
        ..Grants::default()
    };
    let mut instance = instance(&grants);
    for (function, args) in [
        ("now", vec![]),
        ("later", vec![]),
        ("random", vec![16.into()]),
    ] {
        assert_eq!(
            call(&mut *instance, function, &args),
            Ok(Value::Bool(true)),
            "{function}"
        );
    }
    refuses(&mut *instance, "random", &[Value::Int(-1)], "0 to 1048576");
    refuses(
        &mut *instance,
        "random",
        &[Value::Int(i64::MAX)],
        "0 to 1048576",
    );
}

#[test]
fn a_string_that_was_read_while_loading_is_read_once_for_all_calls() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("model");
    std::fs::write(&file, "first").unwrap();
    let text = "local model = petrel.read('in/model') function f() return model end";
    let mut instance = instance_of(text, &granted(dir.path()), &Limits::default());
    for _ in 0..2 {
        assert_eq!(call(&mut *instance, "f", &[]), Ok("first".into()));
        std::fs::write(&file, "second").unwrap();
    }
}

#[test]
fn a_directory_that_cannot_be_granted_is_named() {
    let rows = [
        ("models", "/no/such/directory", "models"),
        ("..", "/tmp", "cannot be the name"),
        ("a/b", "/tmp", "cannot be the name"),
        ("", "/tmp", "cannot be the name"),
    ];
    for (name, path, says) in rows {
        let grants = Grants {
            read: [(name.to_owned(), path.into())].into(),
            ..Grants::default()
        };
        let refused = Granted::open(&grants).expect_err("cannot be granted");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}
