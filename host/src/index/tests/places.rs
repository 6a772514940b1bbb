//! The values of a record.

use proptest::prelude::*;

use super::super::place::Values;
use super::*;
use crate::model::{ParticleType, msgpack};

fn integers(values: &[i64]) -> Value {
    Value::list(values.iter().map(|i| Value::Int(*i)).collect::<Vec<_>>())
}

fn values(place: &Place, value: &Value) -> Values {
    place.values(&record(0, value))
}

#[test]
fn only_values_of_the_type_are_in_the_index() {
    let (numeric, string, blob) = (
        numeric(),
        place(Kind::String, Collection::Default),
        place(Kind::Blob, Collection::Default),
    );
    let rows = [
        (Value::from(7), [1, 0, 0]),
        (Value::from("seven"), [0, 1, 0]),
        (Value::from(vec![7u8]), [0, 0, 1]),
        (
            Value::Blob(ParticleType::PYTHON_BLOB, vec![7u8].into()),
            [0, 0, 0],
        ),
        (Value::from(7.0), [0, 0, 0]),
        (Value::from(true), [0, 0, 0]),
        (integers(&[7]), [0, 0, 0]),
        (Value::Nil, [0, 0, 0]),
    ];
    for (value, expected) in rows {
        let found = [&numeric, &string, &blob].map(|place| values(place, &value).len());
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn of_a_collection_each_element_counts_once() {
    let list = place(Kind::Numeric, Collection::List);
    assert_eq!(
        values(&list, &integers(&[3, 1, 3, -5])).to_vec(),
        [-5, 1, 3]
    );
    assert!(values(&list, &Value::from(3)).is_empty());
    let map = Value::map([
        (Value::from(1), Value::from(10)),
        (Value::from("a"), Value::from(10)),
        (Value::from(2), Value::from("b")),
    ]);
    let of = |kind, collection| values(&place(kind, collection), &map).len();
    assert_eq!(of(Kind::Numeric, Collection::MapKeys), 2);
    assert_eq!(of(Kind::String, Collection::MapKeys), 1);
    assert_eq!(of(Kind::Numeric, Collection::MapValues), 1);
    assert_eq!(of(Kind::String, Collection::MapValues), 1);
    assert_eq!(of(Kind::Numeric, Collection::List), 0);
}

#[test]
fn a_context_leads_to_an_element_inside() {
    let inner = Value::map([(Value::from("n"), integers(&[4, 9]))]);
    let bin = Value::list(vec![Value::from("x"), inner]);
    let at = |context: &[Value]| {
        let packed = msgpack::pack_list(context.to_vec());
        Context::unpack(&packed).unwrap()
    };
    let (list_index, map_key) = (Value::from(0x10), Value::from(0x22));
    let to_list = [
        list_index.clone(),
        Value::from(-1),
        map_key,
        Value::from("n"),
    ];
    let mut place = place(Kind::Numeric, Collection::List);
    place.context = at(&to_list);
    assert_eq!(values(&place, &bin).to_vec(), [4, 9]);
    place.collection = Collection::Default;
    place.context = at(&[&to_list[..], &[Value::from(0x11), Value::from(-1)]].concat());
    assert_eq!(values(&place, &bin).to_vec(), [9]);
    place.context = at(&[list_index, Value::from(7)]);
    assert!(values(&place, &bin).is_empty());
    assert!(values(&place, &Value::from(9)).is_empty());
}

#[test]
fn malformed_contexts_are_refused() {
    for packed in [
        &[][..],
        &[0x90],
        &[0x91, 0x10],
        &[0x92, 0x10, 0xA1],
        &[0x92, 0x7F, 1],
        &[0x92, 0x10, 1, 1],
    ] {
        assert!(Context::unpack(packed).is_err(), "{packed:?}");
    }
    assert!(Context::from_base64("xx").is_err());
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        (-4..4i64).prop_map(Value::Int),
        "[ab]{0,2}".prop_map(Value::from),
        prop::collection::vec(0..2u8, 0..2).prop_map(Value::from),
        Just(Value::Bool(true)),
    ];
    let scalars = prop::collection::vec(scalar.clone(), 0..5);
    let pairs = prop::collection::vec((scalar.clone(), scalar.clone()), 0..5);
    prop_oneof![
        scalar,
        scalars.prop_map(Value::list),
        pairs.prop_map(Value::map)
    ]
}

proptest! {
    /// A record in a range has an entry in the range, and the other way round but for hashes.
    #[test]
    fn a_record_matches_a_range_if_it_has_an_entry_there(
        value in any_value(),
        (from, to) in (-4..4i64, -4..4i64),
        text in "[ab]{0,2}",
        kind in prop_oneof![Just(Kind::Numeric), Just(Kind::String), Just(Kind::Blob)],
        collection in prop_oneof![
            Just(Collection::Default), Just(Collection::List),
            Just(Collection::MapKeys), Just(Collection::MapValues),
        ],
    ) {
        let place = place(kind, collection);
        let bounds = match kind {
            Kind::Numeric => Bounds::Integers(from, to),
            _ => Bounds::Bytes(text.into()),
        };
        let range = Range { place, bounds };
        let record = record(0, &value);
        let has_entry = range.values().is_some_and(|(from, to)| {
            range.place.values(&record).iter().any(|v| (from..=to).contains(v))
        });
        prop_assert_eq!(range.matches(&record), has_entry);
    }

    #[test]
    fn any_bin_and_context_are_looked_into_without_harm(
        packed in prop::collection::vec(any::<u8>(), 0..24),
        context in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut place = place(Kind::Numeric, Collection::MapKeys);
        if let Ok(context) = Context::unpack(&context) {
            prop_assert_eq!(&Context::from_base64(&context.to_base64()).unwrap(), &context);
            place.context = context;
        }
        for value in [Value::List(packed.clone().into()), Value::Map(packed.clone().into())] {
            for collection in [Collection::List, Collection::MapKeys, Collection::MapValues] {
                place.collection = collection;
                place.values(&record(0, &value));
            }
        }
    }
}
