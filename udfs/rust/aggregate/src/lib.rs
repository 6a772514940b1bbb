//! Aggregations over a query; `udfs/lua/aggregate.lua` is their twin. Integers wrap, as Lua's do, and
//! records without the bin are passed over.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petrel_udf::{Record, Result};

#[derive(Default)]
pub struct Count(i64);

/// How many records there are.
#[petrel_udf::aggregate(bins())]
impl Count {
    fn fold(&mut self, _record: &Record) {
        self.0 += 1;
    }

    fn merge(&mut self, other: i64) {
        self.0 += other;
    }

    fn finish(self) -> i64 {
        self.0
    }
}

pub struct Sum {
    bin: String,
    sum: i64,
}

/// The sum of an integer bin.
#[petrel_udf::aggregate]
impl Sum {
    fn new(bin: String) -> Self {
        Self { bin, sum: 0 }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        let value: Option<i64> = record.get(&self.bin)?;
        self.sum = self.sum.wrapping_add(value.unwrap_or(0));
        Ok(())
    }

    fn merge(&mut self, other: i64) {
        self.sum = self.sum.wrapping_add(other);
    }

    fn finish(self) -> i64 {
        self.sum
    }
}

pub struct GroupSum {
    bin: String,
    groups: i64,
    sums: HashMap<i64, i64>,
}

/// The sums of an integer bin in groups: those of its remainder by `groups`.
#[petrel_udf::aggregate]
impl GroupSum {
    fn new(bin: String, groups: i64) -> Result<Self> {
        if groups < 1 {
            Err("there is one group at least")?;
        }
        Ok(Self {
            bin,
            groups,
            sums: HashMap::new(),
        })
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        if let Some(value) = record.get::<Option<i64>>(&self.bin)? {
            let sum = self.sums.entry(value.rem_euclid(self.groups)).or_default();
            *sum = sum.wrapping_add(value);
        }
        Ok(())
    }

    fn merge(&mut self, other: HashMap<i64, i64>) {
        for (group, value) in other {
            let sum = self.sums.entry(group).or_default();
            *sum = sum.wrapping_add(value);
        }
    }

    fn finish(self) -> HashMap<i64, i64> {
        self.sums
    }
}

pub struct TopK {
    bin: String,
    k: usize,
    /// The smallest of them on top.
    largest: BinaryHeap<Reverse<i64>>,
}

impl TopK {
    fn add(&mut self, value: i64) {
        if self.largest.len() < self.k {
            self.largest.push(Reverse(value));
        } else if let Some(mut least) = self.largest.peek_mut()
            && value > least.0
        {
            least.0 = value;
        }
    }
}

/// The `k` largest values of an integer bin, the largest first.
#[petrel_udf::aggregate]
impl TopK {
    fn new(bin: String, k: usize) -> Self {
        let largest = BinaryHeap::new();
        Self { bin, k, largest }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        if let Some(value) = record.get(&self.bin)? {
            self.add(value);
        }
        Ok(())
    }

    fn merge(&mut self, other: Vec<i64>) {
        for value in other {
            self.add(value);
        }
    }

    fn finish(self) -> Vec<i64> {
        let largest = self.largest.into_sorted_vec();
        largest.into_iter().map(|value| value.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_two_shares_are_the_largest_of_all() {
        let mut shares = [3, 7].map(|k| TopK::new("v".into(), k));
        for v in 0..20 {
            let record = Record::testing().bin("v", v * 13 % 20).build();
            shares[v as usize % 2].fold(&record).unwrap();
        }
        let [mut top, other] = shares;
        top.merge(other.finish());
        assert_eq!(top.finish(), [19, 18, 17]);
    }
}
