//! Components that a generator made up: none of them panics the host or holds it up.

use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasm_smith::{Component, Config, Module};

use crate::component::{IMPORTS, call, compile, of_world, record};

/// How long each test goes on, at most.
const TIME: Duration = Duration::from_secs(10);

/// Bytes for the generator, always the same.
fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn any_component_is_accepted_or_refused() {
    let began = Instant::now();
    let mut refused = 0;
    for seed in (0..200).take_while(|_| began.elapsed() < TIME) {
        let bytes = bytes(seed);
        let mut source = Unstructured::new(&bytes);
        if let Ok(component) = Component::new(Config::default(), &mut source) {
            refused += i32::from(compile(component.to_bytes()).is_err());
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn any_code_behind_the_exports_of_the_world_ends() {
    let shape = format!(
        r#"(module {IMPORTS}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "petrel:udf/record-functions@0.2.2#describe") (result i32) unreachable)
            (func (export "petrel:udf/record-functions@0.2.2#call") (param i32 i32 i32) (result i32)
                unreachable))"#
    );
    let shape = wat::parse_str(shape).expect("the text is a module");
    let config = Config {
        module_shape: Some(shape),
        max_memory32_bytes: 1 << 20,
        ..Config::default()
    };
    let began = Instant::now();
    let (mut compiled, mut called) = (0, 0);
    for seed in (0..400).take_while(|_| began.elapsed() < TIME) {
        let bytes = bytes(seed);
        let mut source = Unstructured::new(&bytes);
        let Ok(module) = Module::new(config.clone(), &mut source) else {
            continue;
        };
        let Ok(component) = of_world(module.to_bytes()) else {
            continue;
        };
        compiled += 1;
        let Ok(module) = compile(component) else {
            continue;
        };
        for function in module.functions() {
            let Ok(mut instance) = module.instantiate() else {
                continue;
            };
            let mut record = record(Some(&[("v", 1.into())]));
            let _ = call(&mut *instance, &function.name, &[1.into()], &mut record);
            called += 1;
        }
    }
    assert!(compiled > 10, "{compiled} compiled, {called} calls");
}
