//! The table of behaviours, and the stores it is run on.

use std::sync::Arc;

use parking_lot::Mutex;

use super::super::*;
use super::model::any_sequence_of_commits_matches_a_plain_map;
use super::{Blocking as _, Waiting};
use crate::model::{BodyBuilder, Digest, Meta, Particle, ParticleType, PartitionId, Record};

const PARTITION: PartitionId = 0x0ABC;

const EVERYTHING: ScanPage = ScanPage {
    set: None,
    records: usize::MAX,
    bytes: usize::MAX,
};

macro_rules! on_every_store {
    ($($behaviour:ident)*) => {
        mod memory {
            use super::*;
            $(#[test] fn $behaviour() { super::$behaviour(&MemoryStore::new()); })*
        }
        mod waiting {
            use super::*;
            $(#[test] fn $behaviour() { super::$behaviour(&Waiting::default()); })*
        }
        mod durable {
            use super::*;
            $(#[test] fn $behaviour() {
                let dir = tempfile::tempdir().unwrap();
                let data = Durable::open(dir.path(), DurableOptions::default()).unwrap();
                super::$behaviour(&*data.namespace("test").unwrap());
            })*
        }
    };
}

on_every_store! {
    a_missing_record_reads_as_none
    a_written_record_is_read_back_whole
    a_commit_needs_the_expected_state
    a_version_never_comes_back
    removal_needs_the_expected_state
    sets_keep_their_ids
    counts_follow_writes_and_removals
    a_scan_yields_digest_order_in_pages
    a_scan_stops_after_the_byte_limit
    a_scan_keeps_to_its_partition_and_set
    a_scan_survives_removals_between_pages
    a_scan_of_no_partition_ends_at_once
    a_batch_of_commits_is_judged_one_by_one
    racing_batches_lose_nothing
    racing_increments_lose_nothing
    any_sequence_of_commits_matches_a_plain_map
    an_observer_is_told_what_each_commit_replaced
    an_observer_is_told_of_racing_commits_in_their_order
}

/// The `n`th digest of a partition.
pub(in super::super) fn digest(partition: PartitionId, n: u64) -> Digest {
    let mut bytes = [0; 20];
    bytes[..2].copy_from_slice(&partition.to_le_bytes());
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Digest(bytes)
}

/// A record of set `set` whose bin "v" is `v`.
pub(in super::super) fn record(set: u16, v: i64) -> Record {
    let mut body = BodyBuilder::new();
    body.start(Some(Particle::new(ParticleType::STRING, b"key")));
    body.bin(b"v", Particle::new(ParticleType::INTEGER, &v.to_be_bytes()));
    Record {
        meta: Meta {
            generation: 7,
            set,
            void_time: 0,
            last_update: 99,
        },
        body: body.finish(),
    }
}

pub(in super::super) fn v(record: &Record) -> i64 {
    i64::from_be_bytes(record.body.bin(b"v").unwrap().data.try_into().unwrap())
}

pub(in super::super) fn put(store: &dyn RecordStore, n: u64, set: u16) -> Committed {
    let change = Change::Put(record(set, n as i64));
    store
        .commit_one(&digest(PARTITION, n), Expected::Any, change)
        .unwrap()
}

fn scan_all(store: &dyn RecordStore, page: &ScanPage) -> (Vec<u64>, usize) {
    let (mut cursor, mut out, mut calls) = (Cursor::default(), Vec::new(), 1);
    while store.page(PARTITION, &mut cursor, page, &mut out).unwrap() {
        calls += 1;
    }
    let seen = out.iter().map(|s| v(&s.versioned.record) as u64).collect();
    (seen, calls)
}

fn a_missing_record_reads_as_none(store: &dyn RecordStore) {
    assert!(store.read_one(&digest(1, 1)).unwrap().is_none());
}

fn a_written_record_is_read_back_whole(store: &dyn RecordStore) {
    let d = digest(PARTITION, 5);
    let written = record(3, -5);
    let committed = store
        .commit_one(&d, Expected::Absent, Change::Put(written.clone()))
        .unwrap();
    assert!(!committed.existed);
    let read = store.read_one(&d).unwrap().unwrap();
    assert_eq!(read.version, committed.version);
    assert_eq!(read.record.meta, written.meta);
    assert_eq!(read.record.body, written.body);
    assert_eq!(read.record.body.user_key().unwrap().data, b"key");
}

fn a_commit_needs_the_expected_state(store: &dyn RecordStore) {
    let d = digest(PARTITION, 1);
    let put = |expected| store.commit_one(&d, expected, Change::Put(record(0, 1)));
    assert!(matches!(
        put(Expected::Version(Version(1))),
        Err(StoreError::Conflict)
    ));
    let first = put(Expected::Absent).unwrap().version;
    assert!(matches!(put(Expected::Absent), Err(StoreError::Conflict)));
    let second = put(Expected::Version(first)).unwrap();
    assert!(second.existed);
    assert!(matches!(
        put(Expected::Version(first)),
        Err(StoreError::Conflict)
    ));
    assert!(put(Expected::Any).unwrap().existed);
}

fn a_version_never_comes_back(store: &dyn RecordStore) {
    let d = digest(PARTITION, 1);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let put = Change::Put(record(0, 1));
        let version = store.commit_one(&d, Expected::Absent, put).unwrap().version;
        assert!(!seen.contains(&version.0));
        seen.push(version.0);
        store
            .commit_one(&d, Expected::Version(version), Change::Remove)
            .unwrap();
    }
}

fn removal_needs_the_expected_state(store: &dyn RecordStore) {
    let d = digest(PARTITION, 1);
    let remove = |expected| store.commit_one(&d, expected, Change::Remove);
    assert!(!remove(Expected::Any).unwrap().existed);
    assert!(!remove(Expected::Absent).unwrap().existed);
    assert!(matches!(
        remove(Expected::Version(Version(0))),
        Err(StoreError::Conflict)
    ));
    let version = put(store, 1, 0).version;
    assert!(matches!(
        remove(Expected::Absent),
        Err(StoreError::Conflict)
    ));
    assert!(remove(Expected::Version(version)).unwrap().existed);
    assert!(store.read_one(&d).unwrap().is_none());
    put(store, 1, 0);
    assert!(remove(Expected::Any).unwrap().existed);
}

fn sets_keep_their_ids(store: &dyn RecordStore) {
    assert_eq!(store.set(""), 0);
    assert_eq!(store.sets().find(b""), Some(0));
    assert_eq!(store.sets().find(b"users"), None);
    let users = store.set("users");
    let orders = store.set("orders");
    assert!(users != 0 && orders != 0 && users != orders);
    assert_eq!(store.set("users"), users);
    assert_eq!(store.sets().find(b"orders"), Some(orders));
    assert_eq!(store.sets().name(users).map(|n| &**n), Some("users"));
    assert_eq!(store.sets().name(0).map(|n| &**n), Some(""));
    assert_eq!(store.sets().name(4242), None);
}

fn counts_follow_writes_and_removals(store: &dyn RecordStore) {
    assert_eq!(store.count(), (0, 0));
    assert!(store.set_counts().is_empty());
    let one = record(0, 0).body.as_bytes().len() as u64;
    for n in 0..10 {
        put(store, n, (n % 3) as u16);
    }
    assert_eq!(store.count(), (10, 10 * one));
    assert_eq!(store.set_counts(), [(0, 4), (1, 3), (2, 3)]);
    // Moves to another set, and no longer body.
    let mut moved = record(2, 0);
    let mut body = BodyBuilder::new();
    body.start(None);
    moved.body = body.finish();
    store
        .commit_one(&digest(PARTITION, 0), Expected::Any, Change::Put(moved))
        .unwrap();
    assert_eq!(store.count(), (10, 9 * one + 4));
    assert_eq!(store.set_counts(), [(0, 3), (1, 3), (2, 4)]);
    for n in 0..10 {
        store
            .commit_one(&digest(PARTITION, n), Expected::Any, Change::Remove)
            .unwrap();
    }
    assert_eq!(store.count(), (0, 0));
    assert!(store.set_counts().is_empty());
}

fn a_scan_yields_digest_order_in_pages(store: &dyn RecordStore) {
    for n in (0..1000).rev() {
        put(store, n, 0);
    }
    let all: Vec<u64> = (0..1000).collect();
    for records in [1, 7, 256, 1000, 5000] {
        let page = ScanPage {
            records,
            ..EVERYTHING
        };
        let (seen, calls) = scan_all(store, &page);
        assert_eq!(seen, all);
        assert_eq!(calls, 1000usize.div_ceil(records), "pages of {records}");
    }
}

fn a_scan_stops_after_the_byte_limit(store: &dyn RecordStore) {
    for n in 0..10 {
        put(store, n, 0);
    }
    let one = record(0, 0).body.as_bytes().len();
    let page = ScanPage {
        bytes: 2 * one,
        ..EVERYTHING
    };
    let (mut cursor, mut out) = (Cursor::default(), Vec::new());
    assert!(store.page(PARTITION, &mut cursor, &page, &mut out).unwrap());
    assert_eq!(out.len(), 3);
    assert_eq!(cursor.after, Some(digest(PARTITION, 2)));
}

fn a_scan_keeps_to_its_partition_and_set(store: &dyn RecordStore) {
    for n in 0..6000 {
        put(store, n, u16::from(n % 2000 == 0));
    }
    for neighbour in [PARTITION - 1, PARTITION + 1, 0, 4095] {
        let d = digest(neighbour, 1);
        store
            .commit_one(&d, Expected::Any, Change::Put(record(1, -1)))
            .unwrap();
    }
    let of_set = |set| {
        let page = ScanPage {
            set: Some(set),
            ..EVERYTHING
        };
        scan_all(store, &page).0
    };
    assert_eq!(of_set(1), [0, 2000, 4000]);
    assert_eq!(of_set(0).len(), 5997);
    assert!(of_set(9).is_empty());
}

fn a_scan_survives_removals_between_pages(store: &dyn RecordStore) {
    for n in 0..100 {
        put(store, n, 0);
    }
    let page = ScanPage {
        records: 10,
        ..EVERYTHING
    };
    let (mut cursor, mut out) = (Cursor::default(), Vec::new());
    store.page(PARTITION, &mut cursor, &page, &mut out).unwrap();
    // Among them the record at the cursor, and some on either side.
    for n in 5..15 {
        store
            .commit_one(&digest(PARTITION, n), Expected::Any, Change::Remove)
            .unwrap();
    }
    while store.page(PARTITION, &mut cursor, &page, &mut out).unwrap() {}
    let seen: Vec<i64> = out.iter().map(|s| v(&s.versioned.record)).collect();
    assert_eq!(seen, (0..10).chain(15..100).collect::<Vec<_>>());
}

fn a_scan_of_no_partition_ends_at_once(store: &dyn RecordStore) {
    let mut out = Vec::new();
    for partition in [4096, u16::MAX] {
        let more = store.page(partition, &mut Cursor::default(), &EVERYTHING, &mut out);
        assert!(!more.unwrap());
    }
    assert!(out.is_empty());
}

fn a_batch_of_commits_is_judged_one_by_one(store: &dyn RecordStore) {
    let commit = |n, expected, change| Commit {
        digest: digest((n % 7) as PartitionId, n),
        expected,
        change,
    };
    let outcomes = store.commit_all(vec![
        commit(1, Expected::Absent, Change::Put(record(1, 1))),
        commit(2, Expected::Version(Version(9)), Change::Put(record(1, 2))),
        commit(1, Expected::Absent, Change::Put(record(1, 3))),
        commit(1, Expected::Any, Change::Put(record(2, 4))),
        commit(3, Expected::Any, Change::Put(record(2, 5))),
        commit(3, Expected::Any, Change::Remove),
        commit(4, Expected::Any, Change::Remove),
    ]);
    let existed: Vec<Option<bool>> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().ok().map(|done| done.existed))
        .collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(existed, [no, None, None, yes, no, yes, no]);
    assert!(matches!(outcomes[1], Err(StoreError::Conflict)));
    let left = store.read_one(&digest(1, 1)).unwrap().unwrap();
    assert_eq!(v(&left.record), 4);
    assert_eq!(left.version, outcomes[3].as_ref().unwrap().version);
    assert_eq!(store.count().0, 1);
    assert_eq!(store.set_counts(), [(2, 1)]);
    assert!(store.commit_all(Vec::new()).is_empty());
}

fn racing_batches_lose_nothing(store: &dyn RecordStore) {
    // Each thread takes the records in another order, to meet the others' locks.
    let digests: Vec<Digest> = (0..300).map(|n| digest(n % 40, n.into())).collect();
    let add_one = |n: usize| {
        let mut left: Vec<Digest> = digests.clone();
        left.rotate_left(n * 70);
        while !left.is_empty() {
            let commits = left.iter().map(|d| {
                let (expected, next) = match store.read_one(d).unwrap() {
                    None => (Expected::Absent, 1),
                    Some(at) => (Expected::Version(at.version), v(&at.record) + 1),
                };
                Commit {
                    digest: *d,
                    expected,
                    change: Change::Put(record(0, next)),
                }
            });
            let mut outcomes = store.commit_all(commits.collect()).into_iter();
            left.retain(|_| outcomes.next().unwrap().is_err());
        }
    };
    std::thread::scope(|scope| {
        for n in 0..4 {
            let add_one = &add_one;
            scope.spawn(move || add_one(n));
        }
    });
    for d in &digests {
        assert_eq!(v(&store.read_one(d).unwrap().unwrap().record), 4);
    }
    assert_eq!(store.count().0, 300);
}

fn racing_increments_lose_nothing(store: &dyn RecordStore) {
    const THREADS: i64 = 4;
    const EACH: i64 = 500;
    let d = digest(PARTITION, 1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    loop {
                        let (expected, next) = match store.read_one(&d).unwrap() {
                            None => (Expected::Absent, 1),
                            Some(at) => (Expected::Version(at.version), v(&at.record) + 1),
                        };
                        match store.commit_one(&d, expected, Change::Put(record(0, next))) {
                            Ok(_) => break,
                            Err(StoreError::Conflict) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                }
            });
        }
    });
    let last = store.read_one(&d).unwrap().unwrap();
    assert_eq!(v(&last.record), THREADS * EACH);
    assert_eq!(store.count().0, 1);
}

/// Keeps what it is told: what bin "v" was and is.
#[derive(Default)]
struct Told(Mutex<Vec<Seen>>);

/// Of which record, and the bin before and after.
type Seen = (Digest, Option<i64>, Option<i64>);

impl Observer for Told {
    fn is_watching(&self) -> bool {
        true
    }

    fn changed(&self, digest: &Digest, before: Option<&Record>, after: Option<&Record>) {
        self.0.lock().push((*digest, before.map(v), after.map(v)));
    }
}

fn an_observer_is_told_what_each_commit_replaced(store: &dyn RecordStore) {
    let commit = |n, expected, change| Commit {
        digest: digest((n % 7) as PartitionId, n),
        expected,
        change,
    };
    let told = Told::default();
    store.commit_all(vec![commit(1, Expected::Any, Change::Put(record(1, 1)))]);
    store.commit_seen_by(
        &told,
        vec![
            commit(1, Expected::Any, Change::Put(record(1, 2))),
            commit(1, Expected::Absent, Change::Put(record(1, 3))),
            commit(1, Expected::Any, Change::Put(record(1, 4))),
            commit(2, Expected::Absent, Change::Put(record(1, 5))),
            commit(3, Expected::Any, Change::Remove),
        ],
    );
    for n in [1, 3] {
        store.commit_seen_by(&told, vec![commit(n, Expected::Any, Change::Remove)]);
    }
    store.commit_seen_by(
        &told,
        vec![commit(1, Expected::Absent, Change::Put(record(1, 6)))],
    );
    let (one, two) = (digest(1, 1), digest(2, 2));
    assert_eq!(
        *told.0.lock(),
        [
            (one, Some(1), Some(2)),
            (one, Some(2), Some(4)),
            (two, None, Some(5)),
            (one, Some(4), None),
            (one, None, Some(6)),
        ]
    );
}

fn an_observer_is_told_of_racing_commits_in_their_order(store: &dyn RecordStore) {
    let told = Told::default();
    let digests = [digest(PARTITION, 1), digest(PARTITION, 2)];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (told, digests) = (&told, &digests);
            scope.spawn(move || {
                for n in 0..200 {
                    let put = |digest| Commit {
                        digest,
                        expected: Expected::Any,
                        change: Change::Put(record(0, 1000 * thread + n)),
                    };
                    store.commit_seen_by(told, digests.map(put).into());
                    store.commit_seen_by(told, vec![put(digests[0])]);
                }
            });
        }
    });
    let told = told.0.into_inner();
    for digest in digests {
        let of_it = told.iter().filter(|(d, ..)| *d == digest);
        let mut last = None;
        for &(_, before, after) in of_it {
            assert_eq!(before, last);
            last = after;
        }
        assert_eq!(
            last,
            Some(v(&store.read_one(&digest).unwrap().unwrap().record))
        );
    }
}

#[test]
fn stores_can_be_shared_as_trait_objects() {
    let store: Arc<dyn RecordStore> = Arc::new(MemoryStore::new());
    put(&*store, 1, 0);
    assert_eq!(store.count().0, 1);
}
