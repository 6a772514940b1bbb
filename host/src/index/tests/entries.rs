//! One partition's entries.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::entries::{Entries, Entry};
use super::super::place::Values;
use super::digest;
use crate::model::Digest;

#[derive(Clone, Debug)]
enum Step {
    /// A record's values are these from now on.
    Change(u64, Vec<i64>),
    /// The scan reads so many records, which are taken later.
    Read(usize),
    /// What was read is taken.
    Fill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let values = prop::collection::vec(-3..3i64, 0..3);
    let step = prop_oneof![
        4 => (0..12u64, values).prop_map(|(n, values)| Step::Change(n, values)),
        1 => (1..6usize).prop_map(Step::Read),
        1 => Just(Step::Fill),
    ];
    prop::collection::vec(step, 0..60)
}

/// The values each once, in order.
fn values(mut of: Vec<i64>) -> Values {
    of.sort_unstable();
    of.dedup();
    of.into()
}

/// A partition of a store, and its entries, which a scan fills.
#[derive(Default)]
struct Partition {
    records: BTreeMap<Digest, Values>,
    entries: Entries,
    at: Option<Digest>,
    read: Option<Vec<(Digest, Values)>>,
    over: bool,
}

impl Partition {
    fn change(&mut self, digest: Digest, after: Values) {
        let before = self.records.insert(digest, after.clone());
        self.entries
            .change(&digest, &before.unwrap_or_default(), &after);
    }

    fn read(&mut self, most: usize) {
        if self.read.is_none() && !self.over {
            let ahead = self.records.iter().filter(|(d, _)| Some(**d) > self.at);
            let page: Vec<_> = ahead.take(most).map(|(d, v)| (*d, v.clone())).collect();
            self.over = page.len() < most;
            self.at = page.last().map(|(d, _)| *d).or(self.at);
            self.read = Some(page);
        }
    }

    fn fill(&mut self) {
        if let Some(page) = self.read.take() {
            self.entries.fill(self.at, &page);
            if self.over {
                self.entries.end();
            }
        }
    }
}

proptest! {
    #[test]
    fn a_scan_and_changes_beside_it_leave_what_the_records_have(
        before in steps(),
        beside in steps(),
        after in steps(),
    ) {
        let mut partition = Partition::default();
        for (n, steps) in [before, beside, after].into_iter().enumerate() {
            if n == 1 {
                partition.entries.begin();
            }
            for step in steps {
                match step {
                    Step::Change(of, to) => partition.change(digest(3 * of), values(to)),
                    Step::Read(most) if n == 1 => partition.read(most),
                    Step::Fill if n == 1 => partition.fill(),
                    Step::Read(_) | Step::Fill => {}
                }
            }
            while n == 1 && (!partition.over || partition.read.is_some()) {
                partition.read(3);
                partition.fill();
            }
        }
        let expected: BTreeSet<Entry> = partition
            .records
            .iter()
            .flat_map(|(digest, values)| values.iter().map(|v| Entry::new(*v, digest)))
            .collect();
        prop_assert!(partition.entries.all().eq(expected.iter()));
        prop_assert_eq!(partition.entries.len(), expected.len());
    }

    #[test]
    fn pages_are_in_the_order_of_values_then_digests(
        entries in prop::collection::btree_set((any::<i8>(), 0..9u64), 0..60),
        from: i8,
        to: i8,
        most in 1..7usize,
    ) {
        let (from, to) = (i64::from(from), i64::from(to));
        let mut partition = Entries::default();
        partition.begin();
        partition.end();
        for (value, n) in &entries {
            partition.change(&digest(*n), &Values::new(), &values(vec![i64::from(*value)]));
        }
        let mut expected: Vec<(i64, Digest)> =
            entries.iter().map(|(v, n)| (i64::from(*v), digest(*n))).collect();
        expected.sort_unstable();
        expected.retain(|(v, _)| (from..=to).contains(v));
        let mut found = Vec::new();
        if from <= to {
            while partition.page((from, to), found.last().copied(), most, &mut found) {}
        }
        let found: Vec<_> = found.iter().map(|e| (e.value(), e.digest())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn an_entry_gives_back_what_it_was_made_of(value: i64, digest: [u8; 20]) {
        let entry = Entry::new(value, &Digest(digest));
        prop_assert_eq!((entry.value(), entry.digest()), (value, Digest(digest)));
    }
}
