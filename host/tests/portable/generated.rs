//! Components that wasm-smith made up (see `fuzz/`): none panics the host or holds it up.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::component::{call, compile, limits, record};

#[test]
#[ignore = "made by `cargo run --release --manifest-path fuzz/Cargo.toml -- target/generated`"]
fn components_that_a_generator_made_up_are_refused_or_run_to_an_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/generated");
    let (mut all, mut accepted, mut calls) = (0, 0, 0);
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let bytes = std::fs::read(&path).expect("a component");
        all += 1;
        let Ok(module) = compile(bytes) else { continue };
        accepted += 1;
        for function in module.functions() {
            let Ok(mut instance) = module.instantiate() else {
                continue;
            };
            let began = Instant::now();
            let mut record = record(Some(&[("v", 1.into())]));
            let _ = call(&mut *instance, &function.name, &[1.into()], &mut record);
            let took = began.elapsed();
            assert!(
                took < limits().time() + Duration::from_secs(2),
                "{path:?}: {took:?}"
            );
            calls += 1;
        }
    }
    println!("{accepted} of {all} were accepted, {calls} calls");
    assert!(all > 100, "{all}");
}
