//! Literal messages in, literal replies out.

use bytes::Bytes;
use proptest::prelude::*;

use super::flags::{field, info1, info2, row};
use super::*;
use crate::change::{ExistsAction, GenerationCheck};
use crate::model::{BinName, Digest, Error, ResultCode, Ttl, Value};
use crate::ops::OpKind;
use crate::request::{BinSelection, Reply, ReplyBins, Resume, Work};

/// A message: info bytes, generation, ttl, fields, operations as (op, type, name, data).
pub(super) fn message(
    info: [u8; 4],
    (generation, ttl): (u32, u32),
    fields: &[(u8, &[u8])],
    ops: &[(u8, u8, &str, &[u8])],
) -> Bytes {
    let mut out = vec![22, info[0], info[1], info[2], info[3], 0];
    out.extend(generation.to_be_bytes());
    out.extend(ttl.to_be_bytes());
    out.extend(1000u32.to_be_bytes());
    out.extend((fields.len() as u16).to_be_bytes());
    out.extend((ops.len() as u16).to_be_bytes());
    out.extend(body(fields, ops));
    out.into()
}

fn body(fields: &[(u8, &[u8])], ops: &[(u8, u8, &str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, data) in fields {
        out.extend((data.len() as u32 + 1).to_be_bytes());
        out.push(*kind);
        out.extend(*data);
    }
    for (op, kind, name, data) in ops {
        out.extend((4 + name.len() as u32 + data.len() as u32).to_be_bytes());
        out.extend([*op, *kind, 0, name.len() as u8]);
        out.extend(name.as_bytes());
        out.extend(*data);
    }
    out
}

const RECORD: &[(u8, &[u8])] = &[
    (field::NAMESPACE, b"test"),
    (field::SET, b"users"),
    (field::DIGEST, &[7; 20]),
];

#[test]
fn a_put_is_decoded() {
    let frame = message(
        [0, info2::WRITE | info2::GENERATION, 0, 0],
        (3, 100),
        RECORD,
        &[
            (2, 1, "n", &42i64.to_be_bytes()),
            (2, 3, "s", b"text"),
            (2, 0, "gone", b""),
        ],
    );
    let m = Message::parse(&frame).unwrap();
    assert_eq!(m.command().unwrap(), Command::Single);
    assert_eq!(m.namespace().unwrap(), b"test");
    let target = m.target().unwrap();
    assert_eq!(
        (target.digest, &target.set[..]),
        (Digest([7; 20]), &b"users"[..])
    );
    let request = m.request(None).unwrap();
    assert_eq!(request.policy.generation, GenerationCheck::Equal(3));
    assert_eq!(request.policy.exists, ExistsAction::Upsert);
    assert_eq!(request.policy.ttl, Ttl::Seconds(100));
    let Work::Operate { ops, reply_all } = request.work else {
        panic!("not an operate")
    };
    assert!(!reply_all);
    let values: Vec<_> = ops.iter().map(|op| (op.kind, op.value.clone())).collect();
    assert_eq!(
        values,
        [
            (OpKind::Write, Value::Int(42)),
            (OpKind::Write, "text".into()),
            (OpKind::Write, Value::Nil)
        ]
    );
}

#[test]
fn reads_select_their_bins() {
    let read = |info1, ops: &[_]| {
        let frame = message([info1, 0, 0, 0], (0, 0), RECORD, ops);
        match Message::parse(&frame).unwrap().request(None).unwrap().work {
            Work::Read(bins) => bins,
            other => panic!("not a read: {other:?}"),
        }
    };
    assert_eq!(read(info1::READ | info1::GET_ALL, &[]), BinSelection::All);
    assert_eq!(
        read(info1::READ | info1::NO_BIN_DATA, &[]),
        BinSelection::None
    );
    assert_eq!(
        read(info1::READ, &[(1, 0, "a", b"")]),
        BinSelection::Some([BinName::new(b"a").unwrap()].into())
    );
}

#[test]
fn a_missing_digest_comes_from_the_key() {
    let key = [&[1u8][..], &5i64.to_be_bytes()].concat();
    let fields: &[(u8, &[u8])] = &[
        (field::NAMESPACE, b"test"),
        (field::SET, b"s"),
        (field::KEY, &key),
    ];
    let frame = message([info1::READ | info1::GET_ALL, 0, 0, 0], (0, 0), fields, &[]);
    let target = Message::parse(&frame).unwrap().target().unwrap();
    assert_eq!(target.digest, Digest::of("s", &Value::Int(5)).unwrap());
    assert_eq!(target.user_key, Some(Value::Int(5)));
}

#[test]
fn what_a_request_lacks_is_told() {
    let refuse = |fields: &[(u8, &[u8])], ops: &[_]| -> Error {
        let frame = message([0, info2::WRITE, 0, 0], (0, 0), fields, ops);
        let m = Message::parse(&frame).unwrap();
        m.request(None).unwrap_err()
    };
    assert_eq!(
        refuse(RECORD, &[(99, 0, "a", b"")]).code,
        ResultCode::Unsupported
    );
    assert_eq!(
        refuse(RECORD, &[(2, 1, "sixteen-bytes-ab", b"")]).code,
        ResultCode::ParameterError
    );
    assert_eq!(
        refuse(RECORD, &[(2, 3, "sixteen-bytes-ab", b"")]).code,
        ResultCode::BinName
    );
    let transaction = [RECORD, &[(field::TRANSACTION_ID, &[0u8; 8][..])]].concat();
    assert_eq!(refuse(&transaction, &[]).code, ResultCode::EnterpriseOnly);
    let udf = [RECORD, &[(field::UDF_PACKAGE, &b"m"[..])]].concat();
    assert_eq!(refuse(&udf, &[]).code, ResultCode::ParameterError);
    let unnamed = [&udf[..], &[(field::UDF_FUNCTION, &b""[..])]].concat();
    assert_eq!(refuse(&unnamed, &[]).code, ResultCode::UdfExecution);
    let frame = message([info1::READ, 0, 0, 0], (0, 0), RECORD, &[]);
    let nothing = Message::parse(&frame).unwrap().request(None).unwrap_err();
    assert_eq!(nothing.code, ResultCode::ParameterError);
}

#[test]
fn rows_of_a_batch_are_grouped_by_what_they_repeat() {
    let mut rows = vec![0, 0, 0, 3, 4];
    for (index, digest) in [(0u32, 1u8), (1, 2), (2, 3)] {
        rows.extend(index.to_be_bytes());
        rows.extend([digest; 20]);
        match index {
            1 => rows.push(row::REPEAT),
            0 => {
                rows.extend([row::INFO | row::TTL, info1::READ, 0, 0]);
                rows.extend(0u32.to_be_bytes());
                rows.extend([0, 2, 0, 1]);
                rows.extend(body(
                    &[(field::NAMESPACE, b"test"), (field::SET, b"s")],
                    &[(1, 0, "a", b"")],
                ));
            }
            _ => {
                rows.extend([row::INFO | row::GENERATION | row::TTL | row::INFO4]);
                rows.extend([0, info2::WRITE | info2::DELETE | info2::GENERATION, 0, 0x40]);
                rows.extend(9u16.to_be_bytes());
                rows.extend(0u32.to_be_bytes());
                rows.extend([0, 1, 0, 0]);
                rows.extend(body(&[(field::NAMESPACE, b"test")], &[]));
            }
        }
    }
    let frame = message(
        [info1::BATCH, 0, 0, 0],
        (0, 0),
        &[(field::BATCH, &rows)],
        &[],
    );
    let m = Message::parse(&frame).unwrap();
    assert_eq!(m.command().unwrap(), Command::Batch);
    let batch = m.batch(None).unwrap();
    assert!(batch.respond_all);
    assert_eq!((batch.rows, batch.groups.len()), (3, 2));
    assert_eq!(batch.groups[0].rows.len(), 2);
    assert_eq!(&batch.groups[0].rows[1].1.set[..], b"s");
    let request = batch.groups[1].request.as_ref().unwrap();
    assert!(matches!(request.work, Work::Delete));
    assert_eq!(request.policy.generation, GenerationCheck::Equal(9));
    assert_eq!(batch.groups[1].error_detail, 2);
}

#[test]
fn the_rows_of_a_batch_may_claim_more_bytes_than_are_left() {
    let mut rows = vec![0, 0, 0, 1, 0];
    rows.extend([0; 4]);
    rows.extend([7; 20]);
    rows.extend([0, info1::READ | info1::GET_ALL, 0, 0, 0, 0]);
    let frame = |kind, claimed: usize| {
        let frame = message([info1::BATCH, 0, 0, 0], (0, 0), &[(kind, &rows)], &[]);
        let mut bytes = frame.to_vec();
        let at = bytes.len() - rows.len() - 5;
        bytes[at..at + 4].copy_from_slice(&(claimed as u32).to_be_bytes());
        Bytes::from(bytes)
    };
    let claims = frame(field::BATCH, rows.len() + 1 + 13);
    let batch = Message::parse(&claims).unwrap().batch(None).unwrap();
    assert_eq!(batch.rows, 1);
    let short = frame(field::BATCH, rows.len() - 3);
    assert!(
        Message::parse(&short).is_err() || Message::parse(&short).unwrap().batch(None).is_err()
    );
    let other = frame(field::FILTER, rows.len() + 1 + 13);
    assert!(Message::parse(&other).is_err());
}

#[test]
fn a_query_says_where_to_resume() {
    let mut digest = [0; 20];
    digest[..2].copy_from_slice(&[0x05, 0xF0]);
    let fields: &[(u8, &[u8])] = &[
        (field::NAMESPACE, b"test"),
        (field::TASK_ID, &77u64.to_be_bytes()),
        (field::PARTITIONS, &[1, 0, 0xFF, 0x0F]),
        (field::DIGESTS, &digest),
        (field::MAX_RECORDS, &10u64.to_be_bytes()),
    ];
    let frame = message([info1::READ, 0, 4, 0], (0, 0), fields, &[]);
    let m = Message::parse(&frame).unwrap();
    assert_eq!(m.command().unwrap(), Command::Query);
    let params = m.query_params().unwrap();
    assert_eq!((params.task_id, params.max_records), (77, 10));
    assert_eq!(
        params.partitions,
        [
            (1, None),
            (4095, None),
            (5, Some(Resume::after(Digest(digest))))
        ]
    );
}

#[test]
fn a_udf_result_is_the_bin_success() {
    let reply = Reply {
        bins: ReplyBins::Udf(Value::Int(5)),
        ..Reply::ok(2, 9)
    };
    let mut out = Vec::new();
    push_single(&mut out, &reply, ReplyTo::default());
    let mut expected = vec![2, 3, 0, 0, 0, 0, 0, 22 + 8 + 7 + 8];
    expected.extend([
        22, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
    expected.extend([0, 0, 0, 4 + 7 + 8, 1, 1, 0, 7]);
    expected.extend(b"SUCCESS");
    expected.extend(5i64.to_be_bytes());
    assert_eq!(out, expected);
}

#[test]
fn a_failed_udf_says_why_in_the_bin_failure() {
    let mut out = Vec::new();
    let error = Error::new(ResultCode::UdfExecution, "m.lua:1: boom");
    push_refusal(&mut out, error, ReplyTo::default());
    assert_eq!(out[13], 100);
    assert!(out.ends_with(b"FAILUREm.lua:1: boom"));
}

#[test]
fn error_detail_is_sent_to_those_who_ask() {
    let refuse = |error_detail| {
        let mut out = Vec::new();
        let to = ReplyTo {
            error_detail,
            ..ReplyTo::default()
        };
        push_refusal(&mut out, Error::new(ResultCode::BinType, "no"), to);
        out
    };
    assert_eq!(refuse(0).len(), 30);
    let detail = [
        0,
        0,
        0,
        8,
        field::ERROR_DETAIL,
        0x81,
        2,
        0xDA,
        0,
        2,
        b'n',
        b'o',
    ];
    assert!(refuse(2).ends_with(&detail));
}

#[test]
fn the_trace_of_a_failed_function_is_sent_to_those_who_ask_for_it() {
    let reply = Reply {
        trace: Some("in f".into()),
        ..Reply::from(Error::new(ResultCode::UdfExecution, "no"))
    };
    for (error_detail, text) in [(2, "no"), (3, "no\nin f")] {
        let mut out = Vec::new();
        let to = ReplyTo {
            error_detail,
            ..ReplyTo::default()
        };
        push_reply(&mut out, &reply, to);
        let mut detail = vec![0x81, 2, 0xDA, 0, text.len() as u8];
        detail.extend_from_slice(text.as_bytes());
        assert!(out.windows(detail.len()).any(|w| w == detail), "{out:?}");
    }
}

proptest! {
    /// Whatever bytes arrive, decoding them all the way down ends in a value or an error.
    #[test]
    fn arbitrary_messages_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(bytes);
    }

    /// The same, with a plausible header, so that fields and operations are reached.
    #[test]
    fn damaged_messages_do_not_panic(
        info in any::<[u8; 4]>(),
        fields in prop::collection::vec(
            (0u8..48, prop::collection::vec(any::<u8>(), 0..40)), 0..6),
        ops in prop::collection::vec(
            (0u8..20, 0u8..25, "[a-z]{0,17}", prop::collection::vec(any::<u8>(), 0..12)), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let fields: Vec<_> = fields.iter().map(|(k, d)| (*k, &d[..])).collect();
        let ops: Vec<_> = ops.iter().map(|(o, k, n, d)| (*o, *k, &n[..], &d[..])).collect();
        let mut bytes = message(info, (1, 1), &fields, &ops).to_vec();
        decode_all(bytes.clone());
        bytes.truncate(cut.index(bytes.len() + 1));
        decode_all(bytes);
    }
}

fn decode_all(bytes: Vec<u8>) {
    let _ = inflate(&bytes, 1 << 20);
    let frame = Bytes::from(bytes);
    let Ok(m) = Message::parse(&frame) else {
        return;
    };
    let _ = m.command();
    let _ = m.target();
    let _ = m.bins();
    let _ = m.query_params();
    let filter = m.filter().ok().flatten();
    let _ = m.request(filter.clone());
    let _ = m.batch(filter);
}
