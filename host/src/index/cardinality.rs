//! About how many different values an index has.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a count is good.
const KEPT: Duration = Duration::from_secs(10);
/// Bits of the bitmap, a power of two: 128 KiB, within 2 % up to several million values.
const BITS: usize = 1 << 20;

/// The last count, and when it was made.
#[derive(Default)]
pub(super) struct Cardinality(Mutex<Option<(Instant, u64)>>);

impl Cardinality {
    /// The count, made anew with the values that `visit` adds if the last one is old.
    pub(super) fn get(&self, visit: impl FnOnce(&mut Distinct)) -> u64 {
        let mut last = self.0.lock();
        if let Some((made, n)) = *last
            && made.elapsed() < KEPT
        {
            return n;
        }
        let mut distinct = Distinct::default();
        visit(&mut distinct);
        let n = distinct.count();
        *last = Some((Instant::now(), n));
        n
    }
}

/// Counts different values by linear counting (Whang et al. 1990): from the share of bits of a
/// bitmap that no value's hash has set.
pub(super) struct Distinct {
    bits: Vec<u64>,
    state: RandomState,
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            bits: vec![0; BITS / 64],
            state: RandomState::new(),
        }
    }
}

impl Distinct {
    pub(super) fn add(&mut self, value: i64) {
        let bit = self.state.hash_one(value) as usize % BITS;
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    fn count(&self) -> u64 {
        let set: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        let free = BITS as u32 - set;
        let share = f64::from(free.max(1)) / BITS as f64;
        (-(BITS as f64) * share.ln()).round() as u64
    }
}
