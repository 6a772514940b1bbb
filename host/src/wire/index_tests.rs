//! Literal index ranges in.

use bytes::Bytes;
use proptest::prelude::*;

use super::flags::{field, info1};
use super::tests::message;
use super::*;
use crate::index::{Bounds, Collection, Context, Kind, Place};
use crate::model::{Digest, ResultCode};
use crate::request::{IndexRange, IndexRef, Resume};

/// The bytes of an index range: a bin, a type, and two values.
fn range(bin: &str, kind: u8, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = vec![1, bin.len() as u8];
    out.extend(bin.as_bytes());
    out.push(kind);
    for value in [from, to] {
        out.extend((value.len() as u32).to_be_bytes());
        out.extend(value);
    }
    out
}

fn index_range(fields: &[(u8, &[u8])]) -> Result<Option<IndexRange>, ResultCode> {
    let frame = message([info1::READ, 0, 0, 0], (0, 0), fields, &[]);
    let message = Message::parse(&frame).unwrap();
    message.index_range().map_err(|e| e.code)
}

#[test]
fn a_query_says_which_values_of_which_index_it_is_for() {
    let (five, nine) = (5i64.to_be_bytes(), 9i64.to_be_bytes());
    let ages = range("age", 1, &five, &nine);
    let place = |bin: &str, kind| Place::of_bin(bin.as_bytes(), kind).unwrap();
    let asked = |index, bounds| Ok(Some(IndexRange { index, bounds }));
    assert_eq!(index_range(&[]), Ok(None));
    assert_eq!(
        index_range(&[(field::INDEX_RANGE, &ages)]),
        asked(
            IndexRef::Of(place("age", Kind::Numeric)),
            Bounds::Integers(5, 9)
        )
    );
    let tags = range("tags", 3, b"red", b"red");
    let context = [0x92, 0x10, 0];
    assert_eq!(
        index_range(&[
            (field::INDEX_RANGE, &tags),
            (field::INDEX_TYPE, &[1]),
            (field::INDEX_CONTEXT, &context),
        ]),
        asked(
            IndexRef::Of(
                place("tags", Kind::String)
                    .over(Collection::List)
                    .within(Context::unpack(&context).unwrap())
            ),
            Bounds::Bytes(Bytes::from_static(b"red"))
        )
    );
    assert_eq!(
        pack_index_range("age", Kind::Numeric, &Bounds::Integers(5, 9)),
        ages
    );
    assert_eq!(
        pack_index_range("tags", Kind::String, &Bounds::Bytes("red".into())),
        tags
    );
    let unnamed = range("", 1, &five, &nine);
    assert_eq!(
        index_range(&[(field::INDEX_RANGE, &unnamed), (field::INDEX_NAME, b"i")]),
        asked(IndexRef::Named("i".into()), Bounds::Integers(5, 9))
    );
}

#[test]
fn an_index_range_that_makes_no_sense_is_refused() {
    use ResultCode::{IndexNotFound, ParameterError};
    let (five, nine) = (5i64.to_be_bytes(), 9i64.to_be_bytes());
    let fine = range("age", 1, &five, &nine);
    let rows = [
        (vec![], ParameterError),
        (vec![2], ParameterError),
        (fine[..fine.len() - 1].to_vec(), ParameterError),
        (range("age", 1, &five[1..], &nine), ParameterError),
        (range("age", 1, &nine, &five), ParameterError),
        (range("age", 2, &five, &nine), ParameterError),
        (range("", 1, &five, &nine), ParameterError),
        (range("a bin of sixteen", 1, &five, &nine), ParameterError),
        (range("place", 23, b"{}", b"{}"), IndexNotFound),
    ];
    for (bytes, code) in rows {
        assert_eq!(
            index_range(&[(field::INDEX_RANGE, &bytes)]),
            Err(code),
            "{bytes:?}"
        );
    }
    let beside: [(u8, &[u8], ResultCode); 4] = [
        (field::INDEX_NAME, b"i", ParameterError),
        (field::INDEX_TYPE, &[4], ParameterError),
        (field::INDEX_CONTEXT, &[0x91], ParameterError),
        (field::INDEX_EXPRESSION, &[0x90], IndexNotFound),
    ];
    for (kind, data, code) in beside {
        let fields = [(field::INDEX_RANGE, &fine[..]), (kind, data)];
        assert_eq!(index_range(&fields), Err(code), "field {kind}");
    }
}

#[test]
fn a_query_of_an_index_resumes_after_a_value() {
    let digest = [3; 20];
    let values = (-7i64).to_le_bytes();
    let ages = range("age", 1, &[0; 8], &[0; 8]);
    let fields = |values| {
        let fields: [(u8, &[u8]); 3] = [
            (field::DIGESTS, &digest),
            (field::INDEX_VALUES, values),
            (field::INDEX_RANGE, &ages),
        ];
        let frame = message([info1::READ, 0, 0, 0], (0, 0), &fields, &[]);
        Message::parse(&frame).unwrap().query_params()
    };
    let after = Resume {
        digest: Digest(digest),
        value: -7,
    };
    assert_eq!(fields(&values).unwrap().partitions[0].1, Some(after));
    assert!(fields(&[]).is_err());
    assert!(fields(&values[1..]).is_err());
}

proptest! {
    #[test]
    fn any_index_range_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        context in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let _ = index_range(&[(field::INDEX_RANGE, &bytes), (field::INDEX_CONTEXT, &context)]);
        let named = range("b", 3, &bytes, &context);
        let _ = index_range(&[(field::INDEX_RANGE, &named), (field::INDEX_CONTEXT, &context)]);
    }
}
