//! Indexes over a store that is written to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::model::{Error, PARTITIONS, ResultCode};
use crate::store::behaviour::Waiting;
use crate::store::{Change, Commit, Cursor, Expected, MemoryStore, RecordStore, ScanPage};

/// A namespace without the rest: a store and its indexes.
struct Host {
    store: Arc<dyn RecordStore>,
    indexes: Indexes,
}

impl Host {
    fn over(store: Arc<dyn RecordStore>) -> Self {
        let indexes = Indexes::new(store.clone());
        Self { store, indexes }
    }

    fn commit(&self, n: u64, change: Change) {
        let commit = Commit {
            digest: digest(n),
            expected: Expected::Any,
            change,
        };
        let mut outcomes = Vec::new();
        block_on(
            self.store
                .commit(&mut vec![commit], &mut outcomes, &self.indexes),
        );
        outcomes.pop().unwrap().unwrap();
    }

    fn put(&self, n: u64, set: u16, value: &Value) {
        self.commit(n, Change::Put(record(set, value)));
    }

    fn create(&self, name: &str, set: &str, place: Place) -> Result<(), IndexError> {
        block_on(self.indexes.create(Definition::new(name, set, place)?))
    }

    /// The index, once it is built.
    fn built(&self, name: &str) -> Arc<Index> {
        let start = Instant::now();
        loop {
            match self.indexes.readable(name) {
                Ok(index) => return index,
                Err(e) => assert!(start.elapsed() < Duration::from_secs(60), "{e}"),
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What an index has to hold, by the records that there are.
    fn expected(&self, set: Option<u16>, place: &Place) -> BTreeSet<Entry> {
        let page = ScanPage {
            set,
            records: usize::MAX,
            bytes: usize::MAX,
        };
        let mut found = Vec::new();
        for partition in 0..PARTITIONS as u16 {
            let mut cursor = Cursor::default();
            block_on(self.store.scan(partition, &mut cursor, &page, &mut found)).unwrap();
        }
        found
            .iter()
            .flat_map(|s| {
                let values = place.values(&s.versioned.record);
                values.into_iter().map(|v| Entry::new(v, &s.digest))
            })
            .collect()
    }
}

/// Everything that an index holds of integers.
fn held(index: &Index) -> BTreeSet<Entry> {
    let range = Range {
        place: index.definition().place.clone(),
        bounds: Bounds::Integers(i64::MIN, i64::MAX),
    };
    let mut entries = Vec::new();
    for partition in 0..PARTITIONS as u16 {
        index.page(partition, &range, None, usize::MAX, &mut entries);
    }
    let n = entries.len();
    let held: BTreeSet<Entry> = entries.into_iter().collect();
    assert_eq!(held.len(), n, "an entry comes once");
    held
}

fn names(indexes: &Indexes) -> Vec<String> {
    let all = indexes.all();
    all.iter()
        .map(|index| index.definition().name.clone())
        .collect()
}

fn code(e: IndexError) -> ResultCode {
    Error::from(e).code
}

#[test]
fn an_index_is_of_its_set_or_of_the_namespace() {
    let host = Host::over(Arc::new(MemoryStore::new()));
    let users = block_on(host.store.set_id("users")).unwrap();
    host.create("of_set", "users", numeric()).unwrap();
    host.create("of_all", "", numeric()).unwrap();
    for n in 0..20 {
        host.put(n, users * (n % 2) as u16, &Value::from(n as i64));
    }
    assert_eq!(held(&host.built("of_set")).len(), 10);
    assert_eq!(held(&host.built("of_all")).len(), 20);
    let of = |set: &[u8]| {
        host.indexes
            .of(set, &numeric())
            .unwrap()
            .definition()
            .name
            .clone()
    };
    assert_eq!(
        (of(b"users"), of(b"others"), of(b"")),
        ("of_set".into(), "of_all".into(), "of_all".into())
    );
    // A record that moves to another set leaves the index.
    host.put(1, 0, &Value::from(1));
    assert_eq!(held(&host.built("of_set")).len(), 9);
}

#[test]
fn a_name_has_one_definition_and_a_definition_one_name() {
    let host = Host::over(Arc::new(MemoryStore::new()));
    host.put(1, 0, &Value::from(5));
    host.create("a", "", numeric()).unwrap();
    host.built("a");
    host.create("a", "", numeric()).unwrap();
    let other = host.create("a", "", place(Kind::String, Collection::Default));
    assert_eq!(code(other.unwrap_err()), ResultCode::IndexFound);
    host.create("b", "", numeric()).unwrap();
    assert_eq!(names(&host.indexes), ["b"]);
    assert_eq!(held(&host.indexes.readable("b").unwrap()).len(), 1);
    let gone = host.indexes.readable("a").unwrap_err();
    assert_eq!(code(gone), ResultCode::IndexNotFound);
    assert!(block_on(host.indexes.drop("b")).unwrap());
    assert!(!block_on(host.indexes.drop("b")).unwrap());
    assert!(names(&host.indexes).is_empty());
}

#[test]
fn there_are_only_so_many() {
    let host = Host::over(Arc::new(MemoryStore::new()));
    let nth = |n: usize| Place::of_bin(format!("b{n}").as_bytes(), Kind::Numeric).unwrap();
    for n in 0..MAX_INDEXES {
        host.create(&format!("i{n}"), "", nth(n)).unwrap();
    }
    let more = host.create("more", "", nth(MAX_INDEXES));
    assert_eq!(code(more.unwrap_err()), ResultCode::IndexMaxCount);
}

#[test]
fn statistics_count_entries_and_values() {
    let host = Host::over(Arc::new(MemoryStore::new()));
    for n in 0..3000 {
        host.put(n, 0, &Value::from((n % 100) as i64));
    }
    host.create("a", "", numeric()).unwrap();
    let statistics = host.built("a").statistics();
    assert_eq!(statistics.entries, 3000);
    assert_eq!(
        (statistics.entries_per_value, statistics.entries_per_record),
        (30, 1)
    );
    assert_eq!(statistics.load_percent, 100);
    assert!(statistics.used_bytes > 3000 * 28);
}

/// Writes from many threads while indexes are created, built and dropped.
fn races(store: Arc<dyn RecordStore>) {
    let host = Host::over(store);
    let list = place(Kind::Numeric, Collection::List);
    for n in 0..2000 {
        host.put(n, 0, &Value::from((n % 50) as i64));
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..3u64 {
            let (host, stop) = (&host, &stop);
            scope.spawn(move || {
                for n in 0u64.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    let of = (n * 7 + thread * 13) % 2000;
                    match n % 5 {
                        0 => host.commit(of, Change::Remove),
                        1 => host.put(
                            of,
                            0,
                            &Value::list(vec![Value::from(of as i64), Value::from(7)]),
                        ),
                        _ => host.put(of, 0, &Value::from((n % 50) as i64)),
                    }
                }
            });
        }
        for round in 0..8 {
            host.create("n", "", numeric()).unwrap();
            host.create("l", "", list.clone()).unwrap();
            host.built("n");
            host.built("l");
            if round < 7 {
                block_on(host.indexes.drop("n")).unwrap();
                block_on(host.indexes.drop("l")).unwrap();
            }
        }
        thread::sleep(Duration::from_millis(20));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(held(&host.built("n")), host.expected(None, &numeric()));
    assert_eq!(held(&host.built("l")), host.expected(None, &list));
}

#[test]
fn an_index_built_beside_writes_has_what_the_records_have_in_memory() {
    races(Arc::new(MemoryStore::new()));
}

#[test]
fn an_index_built_beside_writes_has_what_the_records_have_where_answers_wait() {
    races(Arc::new(Waiting::default()));
}

#[cfg(feature = "durable")]
mod on_disk {
    use super::*;
    use crate::store::{Durable, DurableOptions};

    #[test]
    fn an_index_built_beside_writes_has_what_the_records_have_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let data = Durable::open(dir.path(), DurableOptions::default()).unwrap();
        races(data.namespace("test").unwrap());
    }

    #[test]
    fn a_restart_keeps_definitions_and_builds_them_again() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let data = Durable::open(dir.path(), DurableOptions::default()).unwrap();
            let store = data.namespace("test").unwrap();
            let catalog = Box::new(data.table("indexes.test").unwrap());
            let indexes = Indexes::open(store.clone(), catalog).unwrap();
            Host { store, indexes }
        };
        let host = open();
        host.create("gone", "", place(Kind::Blob, Collection::List))
            .unwrap();
        host.create("old", "users", numeric()).unwrap();
        host.create("new", "users", numeric()).unwrap();
        block_on(host.indexes.drop("gone")).unwrap();
        let users = host.store.sets().find(b"users").unwrap();
        for n in 0..100 {
            host.put(n, users, &Value::from(n as i64));
        }
        let before = held(&host.built("new"));
        drop(host);
        // Whoever opens a host may be within an executor.
        let host = block_on(async { open() });
        assert_eq!(names(&host.indexes), ["new"]);
        assert_eq!(held(&host.indexes.readable("new").unwrap()), before);
        host.commit(5, Change::Remove);
        assert_eq!(held(&host.built("new")).len(), 99);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u64, u16, i64),
    Remove(u64),
    Create(usize),
    Drop(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_of_writes_and_indexes_leaves_what_the_records_have(
        steps in prop::collection::vec(prop_oneof![
            6 => (0..30u64, 0..2u16, -5..5i64).prop_map(|(n, set, v)| Step::Put(n, set, v)),
            2 => (0..30u64).prop_map(Step::Remove),
            1 => (0..2usize).prop_map(Step::Create),
            1 => (0..2usize).prop_map(Step::Drop),
        ], 0..80),
    ) {
        let host = Host::over(Arc::new(MemoryStore::new()));
        let set = block_on(host.store.set_id("s")).unwrap();
        let sets = [("", None), ("s", Some(set))];
        for step in steps {
            match step {
                Step::Put(n, s, v) => host.put(n, s * set, &Value::from(v)),
                Step::Remove(n) => host.commit(n, Change::Remove),
                Step::Create(i) => host.create(&i.to_string(), sets[i].0, numeric()).unwrap(),
                Step::Drop(i) => { block_on(host.indexes.drop(&i.to_string())).unwrap(); }
            }
        }
        for name in names(&host.indexes) {
            let set = sets[name.parse::<usize>().unwrap()].1;
            prop_assert_eq!(held(&host.built(&name)), host.expected(set, &numeric()));
        }
    }
}
