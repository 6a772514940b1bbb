//! A good component with some of its bytes changed: none panics the host or holds it up.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::component::{call, compile, component, record};

/// How long the test goes on, at most.
const TIME: Duration = Duration::from_secs(10);

/// Reads a bin, sets it, stores it, and returns what it was.
const BODY: &str = "
    (call $get (i32.const 768) (i32.const 1) (i32.const 288))
    (call $set (i32.const 768) (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 320))
    (call $update (i32.const 320))
    (call $bin-names (i32.const 320))
    (i64.store (i32.const 260) (i64.load (i32.const 288)))
    (i32.const 256)";

#[test]
fn mutants_are_refused_or_run_to_an_end() {
    let good = component(BODY, "");
    let mut random = StdRng::seed_from_u64(9);
    let began = Instant::now();
    let (mut tried, mut accepted) = (0, 0);
    while tried < 1000 && began.elapsed() < TIME {
        tried += 1;
        let mut mutant = good.clone();
        for _ in 0..=random.next_u32() % 3 {
            let at = random.next_u32() as usize % mutant.len();
            mutant[at] = random.next_u32() as u8;
        }
        let Ok(module) = compile(mutant) else {
            continue;
        };
        accepted += 1;
        for function in module.functions() {
            if let Ok(mut instance) = module.instantiate() {
                let mut record = record(Some(&[("v", "a value".into())]));
                let _ = call(&mut *instance, &function.name, &[1.into()], &mut record);
            }
        }
    }
    println!("{accepted} of {tried} mutants were accepted");
    assert!(accepted > 10, "{accepted} of {tried}");
}
