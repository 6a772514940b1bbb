//! The record as a function sees it, on records made up here.

use std::collections::BTreeMap;

use petrel_udf::{List, Map, MapBuilder, Record, Value, ValueRef};

#[test]
fn a_bin_that_was_set_is_read_back() {
    let mut record = Record::testing().bin("name", "ada").build();
    let before = record.get_str("name").unwrap();
    record.set("name", "grace").unwrap();
    assert_eq!((before, record.get_str("name").unwrap()), ("ada", "grace"));
    assert_eq!(record.bin_names(), ["name"]);
}

#[test]
fn a_removed_bin_is_nil() {
    let mut record = Record::testing().bin("a", 1).bin("b", 2).build();
    record.remove_bin("a").unwrap();
    assert_eq!(record.get::<Option<i64>>("a").unwrap(), None);
    assert!(!record.has("a"));
    assert_eq!(record.bin_names(), ["b"]);
}

#[test]
fn a_missing_bin_is_told_by_name() {
    let record = Record::testing().build();
    let error = record.get_int("v").unwrap_err();
    assert_eq!(error.message(), "bin v: expected integer, found nil");
}

#[test]
fn a_removed_record_keeps_only_what_was_not_stored() {
    let mut record = Record::testing().bin("old", 1).build();
    record.set("stored", 2).unwrap();
    record.update().unwrap();
    record.set("later", 3).unwrap();
    record.remove().unwrap();
    assert!(!record.exists());
    assert_eq!(record.bin_names(), ["later"]);
    record.create().unwrap();
    assert!(record.exists());
}

#[test]
fn effects_that_cannot_be_had_are_errors() {
    let mut present = Record::testing().build();
    assert!(present.create().is_err());
    assert!(present.set("a name that is too long", 1).is_err());
    let mut missing = Record::testing().missing().build();
    assert!(missing.update().is_err());
    assert!(missing.remove().is_err());
}

#[test]
fn map_keys_are_written_in_order_and_the_last_of_equals_stays() {
    let mut map = MapBuilder::new();
    map.insert("b", 1)
        .insert(7, 2)
        .insert("a", 3)
        .insert("b", 4);
    let record = Record::testing().bin("m", &map).build();
    let Value::Map(entries) = record.get("m").unwrap() else {
        panic!("a map was stored");
    };
    let text = |s: &str| Value::Str(s.into());
    let expected = [
        (Value::Int(7), Value::Int(2)),
        (text("a"), Value::Int(3)),
        (text("b"), Value::Int(4)),
    ];
    assert_eq!(entries, expected);
}

#[test]
fn every_width_of_integer_is_read_as_it_was_written() {
    let mut numbers = vec![0i64, i64::MIN, i64::MAX];
    for bits in 0..63 {
        numbers.extend([
            (1i64 << bits) - 1,
            1 << bits,
            -(1i64 << bits),
            -(1i64 << bits) - 1,
        ]);
    }
    let record = Record::testing().bin("l", &numbers).build();
    let list: List = record.get("l").unwrap();
    let read: Vec<i64> = list.ints().map(|i| i.unwrap()).collect();
    assert_eq!(read, numbers);
    assert_eq!(list.get::<i64>(2).unwrap(), Some(i64::MAX));
    assert_eq!(list.get::<i64>(numbers.len()).unwrap(), None);
}

#[test]
fn collections_are_read_as_the_types_that_are_asked_for() {
    let stats = BTreeMap::from([("x".to_owned(), vec![1.5, 2.0]), ("y".to_owned(), vec![])]);
    let record = Record::testing().bin("m", &stats).build();
    let map: Map = record.map("m").unwrap();
    assert_eq!(
        (map.len(), map.get::<Vec<f64>>("x").unwrap()),
        (2, Some(vec![1.5, 2.0]))
    );
    assert_eq!(
        record.get::<BTreeMap<String, Vec<f64>>>("m").unwrap(),
        stats
    );
    assert!(matches!(record.value("m").unwrap(), ValueRef::Map(_)));
}

#[test]
fn a_map_is_asked_by_a_key_of_any_type() {
    let mut map = MapBuilder::new();
    map.insert(-300, "a").insert("k", 2).insert([1, 2], 3);
    let record = Record::testing().bin("m", &map).bin("l", [1, 2]).build();
    let map = record.map("m").unwrap();
    assert_eq!(map.get(-300).unwrap(), Some("a"));
    assert_eq!(map.get("k").unwrap(), Some(2));
    assert_eq!(map.get(record.value("l").unwrap()).unwrap(), Some(3));
    assert_eq!(map.get::<Value>(ValueRef::Nil).unwrap(), None);
}

#[test]
fn values_of_any_type_are_keys_in_the_order_of_a_map() {
    let mut map = MapBuilder::new();
    map.insert("b", 1).insert("a", 2).insert(9, 3);
    let record = Record::testing().bin("m", &map).build();
    let read: BTreeMap<ValueRef, i64> = record.get("m").unwrap();
    let keys: Vec<_> = read.into_keys().collect();
    assert_eq!(keys, [9.into(), "a".into(), "b".into()]);
}

#[test]
fn a_tuple_is_a_list_of_its_length() {
    let record = Record::testing().bin("l", ("ann", 3, 0.5)).build();
    let read: (&str, i64, f64) = record.get("l").unwrap();
    assert_eq!(read, ("ann", 3, 0.5));
    let error = record.get::<(String, i64)>("l").unwrap_err();
    assert_eq!(
        error.message(),
        "bin l: expected a list of 2, found one of 3"
    );
    let error = record.get::<(i64, i64, f64)>("l").unwrap_err();
    assert_eq!(error.message(), "bin l: expected integer, found string");
}

#[test]
fn a_record_is_saved_whether_it_is_there_or_not() {
    let mut present = Record::testing().bin("old", 1).build();
    present.set("new", 2usize).unwrap();
    present.save().unwrap();
    let mut missing = Record::testing().missing().build();
    missing.set("new", 2).unwrap();
    missing.save().unwrap();
    assert!(present.exists() && missing.exists());
}

#[test]
fn what_nests_is_read_as_the_types_that_are_asked_for() {
    let nested = vec![vec![(1, "a")], vec![], vec![(-7_000, "b"), (9, "")]];
    let record = Record::testing().bin("l", &nested).build();
    assert_eq!(record.get::<Vec<Vec<(i64, &str)>>>("l").unwrap(), nested);

    let map = BTreeMap::from([("x", (1, 0.5)), ("y", (2, 1.5))]);
    let record = Record::testing().bin("m", &map).build();
    let pairs: Result<Vec<(&str, (i64, f64))>, _> = record.map("m").unwrap().items().collect();
    assert_eq!(pairs.unwrap(), [("x", (1, 0.5)), ("y", (2, 1.5))]);
}

#[test]
fn an_element_of_another_type_is_told() {
    let record = Record::testing().bin("l", (1, "two")).build();
    let list = record.list("l").unwrap();
    let error = list.ints().last().unwrap().unwrap_err();
    assert_eq!(error.message(), "expected integer, found string");
    let error = record.get::<Vec<Vec<i64>>>("l").unwrap_err();
    assert_eq!(error.message(), "bin l: expected list, found integer");
}
