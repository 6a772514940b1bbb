//! Refusals at registration, and the packed forms; `tests/wasm_guests.rs` runs real guests.

use bytes::Bytes;

use super::WasmRuntime;
use super::outcome;
use super::pack::{BIG_BIN, pack};
use crate::change::{RecordContext, Scope};
use crate::model::{
    BodyBuilder, Digest, Limits, Meta, Particle, ParticleType, Record, Value, msgpack,
};
use crate::udf::{Allowance, ModuleSource, Runtime, UdfErrorKind, UdfResult};

fn compile(bytes: impl Into<Bytes>) -> Result<(), String> {
    let runtime = WasmRuntime::new(Limits::default().stack_bytes, 8).expect("the engine starts");
    let source = ModuleSource {
        file: "m.wasm".into(),
        package: "m".into(),
        bytes: bytes.into(),
    };
    let compiled = runtime.compile(source, &Allowance::default());
    compiled.map(|_| ()).map_err(|e| e.to_string())
}

fn refusal(bytes: impl Into<Bytes>) -> String {
    compile(bytes).expect_err("the module is accepted")
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's text is a component")
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_core_module_is_told_how_to_become_a_component() {
    let message = refusal(component("(module)"));
    assert_says(
        &message,
        &[
            "m.wasm",
            "core",
            "petrel udf build",
            "wasm-tools component new",
        ],
    );
}

#[test]
fn bytes_that_are_no_wasm_are_refused() {
    assert_says(&refusal("function f() end"), &["not WebAssembly"]);
    assert_says(&refusal(&b"\0asm\x09"[..]), &["truncated"]);
    assert_says(&refusal(&b"\0asm\x09\0\0\0"[..]), &["unknown version"]);
}

#[test]
fn a_truncated_component_is_refused() {
    let mut bytes = component("(component (core module (func)))");
    bytes.truncate(bytes.len() - 3);
    assert_says(&refusal(bytes), &["truncated or damaged"]);
}

#[test]
fn a_component_of_another_world_hears_what_is_missing_and_what_it_has() {
    let message = refusal(component("(component)"));
    assert_says(&message, &["petrel:udf/functions@0.2.2", "exports nothing"]);
    let text = r#"(component (instance $i) (export "my:own/thing" (instance $i)))"#;
    assert_says(&refusal(component(text)), &["exports my:own/thing"]);
}

#[test]
fn an_import_that_the_host_has_not_is_told() {
    let text = r#"(component
        (import "petrel:udf/host@0.2.0" (instance (export "teleport" (func))))
        (instance $i)
        (export "petrel:udf/functions@0.2.0" (instance $i)))"#;
    assert_says(
        &refusal(component(text)),
        &["teleport", "is not the host's"],
    );
}

#[test]
fn interfaces_that_no_function_may_have_are_named() {
    for (name, says) in [
        ("wasi:sockets/tcp@0.2.0", "no function may open sockets"),
        (
            "wasi:http/outgoing-handler@0.2.3",
            "no function may make HTTP requests",
        ),
        ("wasi:cli/environment@0.3.0", "WASI 0.2"),
        ("wasi:nn/inference@0.2.0", "no such interface"),
        ("other:thing/api@0.2.0", "remove what needs it"),
    ] {
        let text = format!(
            r#"(component (import "{name}" (instance))
                (instance $i) (export "petrel:udf/functions@0.2.0" (instance $i)))"#
        );
        assert_says(&refusal(component(&text)), &[name, says]);
    }
}

/// A component without functions, built for a version of the contract.
fn built_for(version: &str) -> Vec<u8> {
    let text = r#"(component
        (import "petrel:udf/host@VERSION" (instance (export "panicked" (func (param "message" string)))))
        (core module $m
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
            (func (export "describe") (result i32) i32.const 0)
            (func (export "run") (param i32 i32 i32)))
        (core instance $i (instantiate $m))
        (alias core export $i "memory" (core memory $memory))
        (alias core export $i "realloc" (core func $realloc))
        (type $info (record
            (field "name" string)
            (field "arguments" (option u32))
            (field "bins" (option (list string)))))
        (func $describe (result (list $info))
            (canon lift (core func $i "describe") (memory $memory) (realloc $realloc)))
        (func $run (param "function" u32) (param "input" (list u8))
            (canon lift (core func $i "run") (memory $memory) (realloc $realloc)))
        (component $shim
            (type $own (record
                (field "name" string)
                (field "arguments" (option u32))
                (field "bins" (option (list string)))))
            (import "info" (type $info (eq $own)))
            (import "describe" (func $describe (result (list $info))))
            (import "run" (func $run (param "function" u32) (param "input" (list u8))))
            (export $named "function-info" (type $info))
            (export "describe" (func $describe) (func (result (list $named))))
            (export "run" (func $run)))
        (instance $functions (instantiate $shim
            (with "info" (type $info))
            (with "describe" (func $describe))
            (with "run" (func $run))))
        (export "petrel:udf/functions@VERSION" (instance $functions)))"#;
    component(&text.replace("VERSION", version))
}

#[test]
fn components_of_every_compatible_version_are_accepted() {
    for version in ["0.2.0", "0.2.1", "0.2.2", "0.2.7"] {
        assert_eq!(compile(built_for(version)).err(), None, "{version}");
    }
    let message = refusal(built_for("0.3.0"));
    assert_says(&message, &["0.2.2", "exports petrel:udf/functions@0.3.0"]);
}

fn scope() -> Scope {
    Scope {
        namespace: "test".into(),
        sets: std::sync::Arc::new(vec!["".into(), "users".into()]),
        now: 1000,
        default_ttl: 0,
    }
}

fn record(bins: &[(&str, Value)]) -> RecordContext {
    let mut builder = BodyBuilder::new();
    builder.start(None);
    for (name, value) in bins {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        builder.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    let record = Record {
        meta: Meta {
            generation: 3,
            set: 1,
            ..Meta::default()
        },
        body: builder.finish(),
    };
    RecordContext::new(Digest([9; 20]), 1, Some(Value::Int(5)), Some(record))
}

#[test]
fn bins_are_copied_as_they_are_stored() {
    let (mut out, mut stubs) = (Vec::new(), Vec::new());
    let batch = [record(&[("v", 7.into()), ("s", "x".into())])];
    assert_eq!(pack(&batch, &scope(), None, &mut out, &mut stubs), 1);
    let bins = batch[0].base().map(|r| r.body.bin_bytes().to_vec());
    assert!(out.ends_with(&bins.unwrap_or_default()));
    assert!(stubs.is_empty());
}

#[test]
fn a_big_bin_stays_with_the_host() {
    let (mut out, mut stubs) = (Vec::new(), Vec::new());
    let big = vec![1u8; BIG_BIN + 1];
    let batch = [record(&[("v", 7.into()), ("big", big.into())])];
    pack(&batch, &scope(), None, &mut out, &mut stubs);
    assert!(out.len() < 200);
    assert_eq!(
        stubs.iter().map(|s| (s.record, s.bin)).collect::<Vec<_>>(),
        [(0, 1)]
    );
}

#[test]
fn only_the_named_bins_are_handed_over() {
    let (mut out, mut stubs) = (Vec::new(), Vec::new());
    let batch = [record(&[("a", 1.into()), ("b", 2.into())])];
    let wanted: [Box<[u8]>; 1] = [b"b".as_slice().into()];
    pack(&batch, &scope(), Some(&wanted), &mut out, &mut stubs);
    assert!(out.ends_with(&[1, 1, 8, 0, 0, 0, b'b', 0, 0, 0, 0, 0, 0, 0, 2]));
}

#[test]
fn a_crossing_ends_where_it_has_bytes_enough() {
    let (mut out, mut stubs) = (Vec::new(), Vec::new());
    let blob = Value::from(vec![0u8; 60 << 10]);
    let batch: Vec<_> = (0..64).map(|_| record(&[("b", blob.clone())])).collect();
    let count = pack(&batch, &scope(), None, &mut out, &mut stubs);
    assert!((2..64).contains(&count), "{count}");
}

/// One outcome, in a batch of one.
fn outcome_of(status: u8, kind: ParticleType, effects: &[u8], result: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 0, 0, 0, 1, 0, 0, 0, status, kind.0, 0, 0];
    out.extend_from_slice(&(effects.len() as u32).to_le_bytes());
    out.extend_from_slice(&(result.len() as u32).to_le_bytes());
    out.extend_from_slice(effects);
    out.extend_from_slice(result);
    out
}

fn apply(outcomes: Vec<u8>) -> (Result<(), String>, RecordContext, Vec<UdfResult>) {
    let mut batch = [record(&[("v", 7.into())])];
    let mut results = Vec::new();
    let limits = Limits {
        result_bytes: 64,
        ..Limits::default()
    };
    let applied = outcome::apply(outcomes.into(), &mut batch, &limits, "m.wasm", &mut results);
    let [record] = batch;
    (applied.map_err(|e| e.to_string()), record, results)
}

const SET_V: &[u8] = &[1, 1, 1, 8, 0, 0, 0, b'v', 0, 0, 0, 0, 0, 0, 0, 9];

#[test]
fn effects_are_applied_in_their_order() {
    let effects = [SET_V, &[3]].concat();
    let (applied, record, results) = apply(outcome_of(0, ParticleType::BOOL, &effects, &[1]));
    assert_eq!(applied, Ok(()));
    assert_eq!(results, [Ok(Value::Bool(true))]);
    assert_eq!(record.changed_bin(b"v"), Some(&Value::Int(9)));
}

#[test]
fn a_failure_leaves_no_effects() {
    let (_, record, results) = apply(outcome_of(1, ParticleType::STRING, SET_V, b"no"));
    assert_eq!(record.changed_bin(b"v"), None);
    let error = results[0].as_ref().expect_err("the function failed");
    assert_eq!(
        (error.kind, error.to_string().as_str()),
        (UdfErrorKind::Thrown, "m.wasm: no")
    );
}

#[test]
fn a_result_beyond_the_limit_fails_its_record() {
    let (applied, _, results) = apply(outcome_of(0, ParticleType::STRING, &[], &[b'x'; 65]));
    assert_eq!(applied, Ok(()));
    assert_eq!(
        results[0].as_ref().map_err(|e| e.kind),
        Err(UdfErrorKind::Result)
    );
}

#[test]
fn outcomes_that_break_the_contract_are_refused_whole() {
    let list = msgpack::pack_list([Value::Int(1)]);
    let good = outcome_of(0, ParticleType::LIST, SET_V, &list);
    let cases: [(&str, Vec<u8>); 8] = [
        ("nothing", vec![]),
        ("another version", vec![2, 0, 0, 0, 1, 0, 0, 0]),
        ("another count", vec![1, 0, 0, 0, 2, 0, 0, 0]),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("followed by more", [good.as_slice(), &[0]].concat()),
        (
            "a list that is an integer",
            outcome_of(0, ParticleType::LIST, &[], &[1]),
        ),
        (
            "an unknown effect",
            outcome_of(0, ParticleType::NULL, &[99], &[]),
        ),
        (
            "a bin without a name",
            outcome_of(0, ParticleType::NULL, &[1, 0, 0, 0, 0, 0, 0], &[]),
        ),
    ];
    for (case, bytes) in cases {
        let (applied, record, results) = apply(bytes);
        assert!(applied.is_err(), "{case}");
        assert!(results.is_empty(), "{case}");
        assert_eq!(record.changed_bin(b"v"), None, "{case}");
    }
}
