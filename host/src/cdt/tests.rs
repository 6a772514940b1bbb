//! Reads and edits against the same over a plain vector.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Cursor, EditError, list, map};
use crate::model::msgpack::{self, Element, Reader};
use crate::model::{ParticleType, Value};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        (-3..3i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
        vec(0..3u8, 0..3).prop_map(Value::from),
        vec((0..3i64).prop_map(Value::from), 0..3).prop_map(Value::from),
        vec((0..3i64, 0..3i64), 0..3)
            .prop_map(|entries| unordered(entries.into_iter().map(|(k, v)| (k.into(), v.into())))),
    ]
}

/// Distinct keys, in no order.
fn entries() -> impl Strategy<Value = Vec<(Value, Value)>> {
    vec((value(), value()), 0..12).prop_map(|mut entries: Vec<(Value, Value)>| {
        let mut seen: Vec<Value> = Vec::new();
        entries.retain(|(key, _)| {
            let new = !seen.iter().any(|k| msgpack::compare(k, key).is_eq());
            seen.push(key.clone());
            new
        });
        entries
    })
}

fn packed_list(items: &[Value]) -> Vec<u8> {
    msgpack::pack_list(items.to_vec())
}

/// With the flag that says so, and elements in order.
fn ordered_list(items: &[Value]) -> Vec<u8> {
    let mut items = items.to_vec();
    items.sort_by(msgpack::compare);
    let mut out = Vec::new();
    msgpack::pack_list_len(items.len() as u32 + 1, &mut out);
    out.extend_from_slice(&[0xC7, 0, 1]);
    items.iter().for_each(|item| msgpack::pack(item, &mut out));
    out
}

fn unordered(entries: impl ExactSizeIterator<Item = (Value, Value)>) -> Value {
    let mut out = Vec::new();
    msgpack::pack_map_len(entries.len() as u32, &mut out);
    for (key, value) in entries {
        msgpack::pack(&key, &mut out);
        msgpack::pack(&value, &mut out);
    }
    Value::Map(out.into())
}

/// The entries as a map in order, and as one that is not.
fn both(entries: &[(Value, Value)]) -> [Vec<u8>; 2] {
    let Value::Map(unordered) = unordered(entries.iter().cloned()) else {
        unreachable!("a map was packed");
    };
    [msgpack::pack_map(entries.iter().cloned()), unordered.into()]
}

fn sorted(mut entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    entries.sort_by(|a, b| msgpack::compare(&a.0, &b.0));
    entries
}

fn edited(edit: impl FnOnce(&mut Vec<u8>) -> Result<(), EditError>) -> Vec<u8> {
    let mut out = Vec::new();
    edit(&mut out).expect("the edit is possible");
    out
}

fn owned(element: Option<Element<'_>>) -> Option<Value> {
    element.map(Value::from)
}

/// `index` as the collections count it.
fn nth(items: &[Value], index: i64) -> Option<Value> {
    let n = items.len() as i64;
    let at = if index < 0 { index + n } else { index };
    usize::try_from(at).ok().and_then(|i| items.get(i).cloned())
}

proptest! {
    #[test]
    fn a_list_is_read_by_index_and_rank(items in vec(value(), 0..20), index in -22..22i64) {
        let mut ranked = items.clone();
        ranked.sort_by(msgpack::compare);
        for (list, items) in [(packed_list(&items), &items), (ordered_list(&items), &ranked)] {
            prop_assert_eq!(list::len(&list), Ok(items.len()));
            prop_assert_eq!(list::at(&list, index).map(owned), Ok(nth(items, index)));
            prop_assert_eq!(list::ranked(&list, index).map(owned), Ok(nth(&ranked, index)));
        }
    }

    #[test]
    fn a_map_is_read_by_key_index_and_rank(entries in entries(), index in -14..14i64, key in value()) {
        let in_order = sorted(entries.clone());
        let (keys, values): (Vec<_>, Vec<_>) = in_order.iter().cloned().unzip();
        let mut ranked = values.clone();
        ranked.sort_by(msgpack::compare);
        let under_key = in_order
            .iter()
            .find(|(k, _)| msgpack::compare(k, &key).is_eq())
            .map(|(_, v)| v.clone());
        for map in both(&entries) {
            prop_assert_eq!(map::len(&map), Ok(entries.len()));
            prop_assert_eq!(map::get(&map, &(&key).into()).map(owned), Ok(under_key.clone()));
            prop_assert_eq!(map::at(&map, index).map(owned), Ok(nth(&values, index)));
            prop_assert_eq!(map::ranked(&map, index).map(owned), Ok(nth(&ranked, index)));
            prop_assert_eq!(map::keys(&map), Ok(packed_list(&keys)));
            prop_assert_eq!(map::values(&map), Ok(packed_list(&values)));
        }
    }

    #[test]
    fn a_list_is_edited_as_a_vector_is(items in vec(value(), 0..20), at in 0..20usize, new in value()) {
        let (list, element) = (packed_list(&items), Element::from(&new));
        if at <= items.len() {
            let mut items = items.clone();
            items.insert(at, new.clone());
            prop_assert_eq!(edited(|out| list::insert(&list, at, &element, out)), packed_list(&items));
        }
        if at < items.len() {
            let mut items = items;
            items[at] = new.clone();
            prop_assert_eq!(edited(|out| list::set(&list, at, &element, out)), packed_list(&items));
            items.remove(at);
            prop_assert_eq!(edited(|out| list::remove(&list, at, out)), packed_list(&items));
        }
    }

    #[test]
    fn an_ordered_list_stays_in_order(items in vec(value(), 0..20), at in 0..20usize, new in value()) {
        let (list, element) = (ordered_list(&items), Element::from(&new));
        let mut out = Vec::new();
        prop_assert_eq!(list::insert(&list, at, &element, &mut out), Err(EditError::Ordered));
        prop_assert_eq!(list::set(&list, at, &element, &mut out), Err(EditError::Ordered));
        prop_assert!(out.is_empty());
        if at < items.len() {
            let mut items = items;
            items.sort_by(msgpack::compare);
            items.remove(at);
            prop_assert_eq!(edited(|out| list::remove(&list, at, out)), ordered_list(&items));
        }
    }

    #[test]
    fn a_map_is_edited_as_a_vector_is(entries in entries(), key in value(), new in value()) {
        let at = entries.iter().position(|(k, _)| msgpack::compare(k, &key).is_eq());
        let (mut put, mut removed) = (entries.clone(), entries.clone());
        match at {
            Some(at) => put[at] = (key.clone(), new.clone()),
            None => put.push((key.clone(), new.clone())),
        }
        if let Some(at) = at {
            removed.remove(at);
        }
        let (key, new) = (Element::from(&key), Element::from(&new));
        let expected = both(&put).into_iter().zip(both(&removed));
        for (map, (put, removed)) in both(&entries).into_iter().zip(expected) {
            prop_assert_eq!(edited(|out| map::put(&map, &key, &new, out)), put);
            prop_assert_eq!(edited(|out| map::remove(&map, &key, out)), removed);
        }
    }

    #[test]
    fn a_cursor_reads_forwards(items in vec(value(), 1..20), steps in vec((0..20usize, any::<bool>()), 1..20)) {
        let list = packed_list(&items);
        let mut reader = Reader::new(&list);
        reader.list().expect("a list was packed");
        let mut cursor = Cursor::new(reader.position());
        for (i, by_int) in steps {
            if by_int && cursor.at < items.len() {
                let before = cursor.at;
                let int = cursor.next_int(&list);
                prop_assert_eq!(int.map(Value::Int), match &items[before] {
                    int @ Value::Int(_) => Some(int.clone()),
                    _ => None,
                });
                prop_assert_eq!(cursor.at, before + usize::from(int.is_some()));
            }
            let i = i.min(items.len());
            let back = i < cursor.at || i == 0;
            let read = cursor.seek(&list, i).map(owned);
            prop_assert_eq!(read, Ok((!back).then(|| items[i - 1].clone())));
        }
    }

    #[test]
    fn no_bytes_make_a_read_or_an_edit_panic(
        head in 0x80..0xA0u8,
        rest in vec(prop_oneof![0..4u8, 0x80..0xA4u8, any::<u8>()], 0..30),
        at in 0..6usize,
    ) {
        let bytes = [&[head], &rest[..]].concat();
        let key = Element::Bytes(ParticleType::STRING, b"a");
        let (index, mut out) = (at as i64 - 3, Vec::new());
        let edits = [
            list::insert(&bytes, at, &key, &mut out).is_ok(),
            list::set(&bytes, at, &key, &mut out).is_ok(),
            list::remove(&bytes, at, &mut out).is_ok(),
            map::put(&bytes, &key, &key, &mut out).is_ok(),
            map::remove(&bytes, &key, &mut out).is_ok(),
        ];
        let reads = [
            list::at(&bytes, index).is_ok(),
            list::ranked(&bytes, index).is_ok(),
            map::get(&bytes, &key).is_ok(),
            map::at(&bytes, index).is_ok(),
            map::ranked(&bytes, index).is_ok(),
            map::keys(&bytes).is_ok(),
            map::values(&bytes).is_ok(),
            Cursor::new(at).seek(&bytes, at).is_ok(),
        ];
        // Each refused edit left nothing behind.
        prop_assert!(edits.contains(&true) || out.is_empty());
        prop_assert!(list::len(&bytes).is_ok() || !(reads[0] || reads[1]));
        prop_assert!(map::len(&bytes).is_ok() || !reads[2..7].contains(&true));
    }
}
