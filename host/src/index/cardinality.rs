//! About how many different values and records an index has.

use std::hash::{BuildHasher, Hash, RandomState};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a count is good.
const KEPT: Duration = Duration::from_secs(10);
/// Bits of the bitmap, a power of two: 128 KiB, within 2 % up to several million values.
const BITS: usize = 1 << 20;

/// The last count, and when it was made.
#[derive(Default)]
pub(super) struct Cardinality(Mutex<Option<(Instant, Counts)>>);

/// How many different ones there are, about.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) values: u64,
    pub(super) records: u64,
}

impl Cardinality {
    /// The counts, made anew of the values and the records that `visit` adds if they are old.
    pub(super) fn get(&self, visit: impl FnOnce(&mut Distinct, &mut Distinct)) -> Counts {
        let mut last = self.0.lock();
        if let Some((made, n)) = *last
            && made.elapsed() < KEPT
        {
            return n;
        }
        let (mut values, mut records) = (Distinct::default(), Distinct::default());
        visit(&mut values, &mut records);
        let n = Counts {
            values: values.count(),
            records: records.count(),
        };
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
    pub(super) fn add(&mut self, value: impl Hash) {
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
