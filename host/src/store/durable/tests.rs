//! What only a store on disk does: it is the same after a restart, and it meets damage.

use futures::executor::block_on;

use super::super::behaviour::{Blocking as _, digest, put, record, v};
use super::super::*;
use super::codec;
use crate::model::Digest;

fn open(dir: &tempfile::TempDir) -> Durable {
    Durable::open(dir.path(), DurableOptions::default()).unwrap()
}

/// Writes raw bytes where a record would be.
fn damage(dir: &tempfile::TempDir, d: &Digest, value: &[u8]) {
    let database = fjall::Database::builder(dir.path()).open().unwrap();
    let records = database
        .keyspace("ns.test", fjall::KeyspaceCreateOptions::default)
        .unwrap();
    records.insert(codec::key(d), value).unwrap();
}

#[test]
fn a_restart_keeps_records_versions_sets_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (first, count) = {
        let data = open(&dir);
        let store = data.namespace("test").unwrap();
        let users = store.set("users");
        assert_eq!(users, 1);
        for n in 0..500 {
            put(&*store, n, users);
        }
        let mut r = record(0, 42);
        r.meta.void_time = 1234;
        r.meta.generation = 65535;
        let committed = store.commit_one(&digest(9, 9), Expected::Absent, Change::Put(r));
        (committed.unwrap().version, store.count())
    };
    let data = open(&dir);
    let store = data.namespace("test").unwrap();
    assert_eq!(store.count(), count);
    assert_eq!(store.set_counts(), [(0, 1), (1, 500)]);
    assert_eq!(store.sets().find(b"users"), Some(1));
    assert_eq!(store.sets().name(1).map(|n| &**n), Some("users"));
    assert_eq!(store.set("orders"), 2);
    let read = store.read_one(&digest(9, 9)).unwrap().unwrap();
    assert_eq!(read.version, first);
    assert_eq!(v(&read.record), 42);
    assert_eq!(read.record.meta.void_time, 1234);
    assert_eq!(read.record.meta.generation, 65535);
    assert_eq!(read.record.body.user_key().unwrap().data, b"key");
    assert!(put(&*store, 1, 0).version.0 > first.0);
}

#[test]
fn namespaces_and_tables_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    {
        let data = open(&dir);
        let (a, b) = (data.namespace("a").unwrap(), data.namespace("b").unwrap());
        put(&*a, 1, 0);
        a.set("x");
        assert_eq!(b.count().0, 0);
        assert_eq!(b.sets().find(b"x"), None);
        let modules = data.table("modules").unwrap();
        block_on(modules.put("one.lua", b"return 1")).unwrap();
        block_on(modules.put("gone", b"")).unwrap();
        block_on(modules.remove("gone")).unwrap();
        assert!(block_on(modules.put("", b"")).is_err());
    }
    let data = open(&dir);
    assert_eq!(data.namespace("a").unwrap().count().0, 1);
    assert_eq!(data.namespace("b").unwrap().sets().find(b"x"), None);
    let modules = data.table("modules").unwrap();
    assert_eq!(modules.get("one.lua").unwrap().unwrap(), b"return 1");
    assert_eq!(modules.get("gone").unwrap(), None);
    assert_eq!(modules.entries().unwrap().len(), 1);
}

#[test]
fn asking_twice_gives_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let data = open(&dir);
    put(&*data.namespace("test").unwrap(), 1, 0);
    assert_eq!(data.namespace("test").unwrap().count().0, 1);
}

#[test]
fn synced_commits_from_many_threads_all_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let options = DurableOptions {
        durability: Durability::Synced,
        ..DurableOptions::default()
    };
    {
        let data = Durable::open(dir.path(), options).unwrap();
        let store = data.namespace("test").unwrap();
        std::thread::scope(|scope| {
            for t in 0..4 {
                let store = &store;
                scope.spawn(move || (0..25).for_each(|n| _ = put(&**store, t * 100 + n, 0)));
            }
        });
        futures::executor::block_on(store.flush()).unwrap();
    }
    assert_eq!(open(&dir).namespace("test").unwrap().count().0, 100);
}

#[test]
fn a_damaged_record_is_reported_passed_over_and_healed() {
    let dir = tempfile::tempdir().unwrap();
    let partition = digest(0x0ABC, 0).partition();
    put(&*open(&dir).namespace("test").unwrap(), 1, 0);
    let (short, malformed) = (digest(partition, 2), digest(partition, 3));
    damage(&dir, &short, b"short");
    let mut value = codec::value(1, &record(0, 3));
    value.truncate(value.len() - 1);
    damage(&dir, &malformed, &value);

    let data = open(&dir);
    let store = data.namespace("test").unwrap();
    for d in [&short, &malformed] {
        let read = store.read_one(d);
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
    }
    let page = ScanPage {
        set: None,
        records: 10,
        bytes: usize::MAX,
    };
    let (mut cursor, mut out) = (Cursor::default(), Vec::new());
    assert!(!store.page(partition, &mut cursor, &page, &mut out).unwrap());
    assert_eq!(out.len(), 1);

    let absent = store.commit_one(&short, Expected::Absent, Change::Put(record(0, 2)));
    assert!(matches!(absent, Err(StoreError::Damaged { .. })));
    put(&*store, 2, 0);
    store
        .commit_one(&malformed, Expected::Any, Change::Remove)
        .unwrap();
    assert_eq!(v(&store.read_one(&short).unwrap().unwrap().record), 2);
    assert!(store.read_one(&malformed).unwrap().is_none());
    assert_eq!(
        store.count(),
        (2, 2 * record(0, 0).body.as_bytes().len() as u64)
    );
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    {
        let database = fjall::Database::builder(dir.path()).open().unwrap();
        let meta = database
            .keyspace("meta", fjall::KeyspaceCreateOptions::default)
            .unwrap();
        meta.insert("format", 2u32.to_le_bytes()).unwrap();
    }
    let refused = Durable::open(dir.path(), DurableOptions::default()).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("data format 2") && text.contains("reads format 1"),
        "{text}"
    );
}

#[test]
fn a_second_opening_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _data = open(&dir);
    let refused = Durable::open(dir.path(), DurableOptions::default());
    assert!(matches!(refused, Err(OpenError::Locked(_))), "{refused:?}");
}

#[test]
fn unfit_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = open(&dir);
    for name in ["", "a/b", "\u{e9}", &"x".repeat(65)] {
        assert!(matches!(data.namespace(name), Err(OpenError::Name(_))));
        assert!(matches!(data.table(name), Err(OpenError::Name(_))));
    }
}
