//! Word count over a query: how often each word stands in a bin. `udfs/lua/word_count.lua` is its
//! twin.
//!
//! A word is what stands between spaces and punctuation; upper and lower case are one.

use std::collections::HashMap;

use petrel_udf::{Record, Result, ValueRef};

pub struct Words {
    bin: String,
    counts: HashMap<String, i64>,
}

fn is_between(c: char) -> bool {
    c.is_ascii_whitespace() || c.is_ascii_punctuation()
}

impl Words {
    fn add(&mut self, word: &str, count: i64) {
        match self.counts.get_mut(word) {
            Some(counted) => *counted += count,
            None => {
                self.counts.insert(word.to_owned(), count);
            }
        }
    }
}

/// A map of words to counts. Records whose bin is no string are passed over.
#[petrel_udf::aggregate]
impl Words {
    fn new(bin: String) -> Self {
        let counts = HashMap::new();
        Self { bin, counts }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        if let ValueRef::Str(text) = record.value(&self.bin)? {
            let text = text.to_ascii_lowercase();
            for word in text.split(is_between).filter(|word| !word.is_empty()) {
                self.add(word, 1);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: HashMap<&str, i64>) {
        for (word, count) in other {
            self.add(word, count);
        }
    }

    fn finish(self) -> HashMap<String, i64> {
        self.counts
    }
}
