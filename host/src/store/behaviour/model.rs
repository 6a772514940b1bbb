//! A store against the simplest thing that behaves like one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::Blocking as _;
use super::table::{digest, record};
use crate::model::{Digest, PartitionId};

pub(super) fn any_sequence_of_commits_matches_a_plain_map(store: &dyn RecordStore) {
    #[derive(Clone, Debug)]
    enum Step {
        Put(u64, u16, bool),
        Remove(u64, bool),
        PutAbsent(u64),
    }
    let n = 0..24u64;
    let step = prop_oneof![
        (n.clone(), 0..3u16, any::<bool>()).prop_map(|(n, s, stale)| Step::Put(n, s, stale)),
        (n.clone(), any::<bool>()).prop_map(|(n, stale)| Step::Remove(n, stale)),
        n.prop_map(Step::PutAbsent),
    ];
    let steps = prop::collection::vec(step, 1..80);
    let case = std::cell::Cell::new(0);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    };
    proptest!(config, |(steps in steps)| {
        // Every case has a partition to itself, so that one store serves them all.
        let partition: PartitionId = case.get();
        case.set(partition + 1);
        let before = store.count().0;
        let mut model: BTreeMap<Digest, (u16, Version)> = BTreeMap::new();
        for step in steps {
            let (n, set, expected, remove) = match step {
                Step::Put(n, set, stale) => (n, set, Some(stale), false),
                Step::Remove(n, stale) => (n, 0, Some(stale), true),
                Step::PutAbsent(n) => (n, 0, None, false),
            };
            let d = digest(partition, n);
            let present = model.get(&d).copied();
            let expected = match (expected, present) {
                (None, _) => Expected::Absent,
                (Some(true), _) => Expected::Version(Version(0)),
                (Some(false), None) => Expected::Any,
                (Some(false), Some((_, version))) => Expected::Version(version),
            };
            let change = if remove { Change::Remove } else { Change::Put(record(set, n as i64)) };
            let fits = match expected {
                Expected::Any => true,
                Expected::Absent => present.is_none(),
                Expected::Version(v) => present.is_some_and(|(_, at)| at == v),
            };
            match store.commit_one(&d, expected, change) {
                Ok(done) => {
                    prop_assert!(fits);
                    prop_assert_eq!(done.existed, present.is_some());
                    if remove { model.remove(&d); } else { model.insert(d, (set, done.version)); }
                }
                Err(StoreError::Conflict) => prop_assert!(!fits),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
        let mut out = Vec::new();
        let (mut cursor, page) = (Cursor::default(), ScanPage { records: 5, set: None, bytes: usize::MAX });
        while store.page(partition, &mut cursor, &page, &mut out).unwrap() {}
        let seen: Vec<_> = out
            .iter()
            .map(|s| (s.digest, (s.versioned.record.meta.set, s.versioned.version)))
            .collect();
        prop_assert_eq!(seen, model.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(store.count().0 - before, model.len() as u64);
    });
}
