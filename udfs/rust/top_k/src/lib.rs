//! The top k of a query: the largest values of a bin, and whose they are. `udfs/lua/top_k.lua` is its
//! twin.
//!
//! Records come in no order that can be relied on, and in shares whose results are merged. So equal
//! values are ordered by their label: the result is the same however the records were shared out.

use std::cmp::Reverse;

use petrel_udf::{Record, Result, ValueRef};

pub struct Top {
    bin: String,
    label: String,
    k: usize,
    best: Vec<(i64, String)>,
}

impl Top {
    fn insert(&mut self, value: i64, label: &str) {
        let entry = (Reverse(value), label);
        let at = self
            .best
            .partition_point(|(value, label)| (Reverse(*value), label.as_str()) <= entry);
        if at < self.k {
            self.best.insert(at, (value, label.to_owned()));
            self.best.truncate(self.k);
        }
    }
}

/// A list of `[value, label]`, the largest value first, of at most k records. Records without an
/// integer in `bin` or a string in `label` are passed over.
#[petrel_udf::aggregate]
impl Top {
    fn new(bin: String, label: String, k: usize) -> Self {
        let best = Vec::new();
        Self {
            bin,
            label,
            k,
            best,
        }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        let (value, label) = (record.value(&self.bin)?, record.value(&self.label)?);
        if let (ValueRef::Int(value), ValueRef::Str(label)) = (value, label) {
            self.insert(value, label);
        }
        Ok(())
    }

    fn merge(&mut self, others: Vec<(i64, &str)>) {
        for (value, label) in others {
            self.insert(value, label);
        }
    }

    fn finish(self) -> Vec<(i64, String)> {
        self.best
    }
}
