//! A refusal of every kind of request ends the conversation about it: its message is marked as the last,
//! for official clients of many-record requests read until that mark. The connection goes on.

use anyhow::{Result, ensure};
use petrel_tests::raw::{MESSAGE, Message, Wire, frame};

use crate::host_with_a_user;

/// Flags of a message.
const READ_ALL: u8 = 3;
const BATCH: u8 = 8;
const WRITE: u8 = 1;
const LAST: u8 = 1;
/// Field types.
const NAMESPACE: u8 = 0;
const SET: u8 = 1;
const UDF_PACKAGE: u8 = 30;
const UDF_FUNCTION: u8 = 31;
const UDF_OP: u8 = 33;
const BATCH_ROWS: u8 = 41;
const FILTER: u8 = 43;
const WHERE: u8 = 44;
/// Result codes.
const BAD_PARAMETER: u8 = 4;
const NO_NAMESPACE: u8 = 20;
const UDF_FAILED: u8 = 100;
/// The expression `1`, which is no condition.
const NO_CONDITION: &[u8] = &[1];

fn message(info1: u8, info2: u8) -> Message {
    Message {
        info1,
        info2,
        ..Message::default()
    }
    .with(NAMESPACE, "test")
    .with(SET, "users")
}

/// A batch of two reads of user 1.
fn rows() -> Vec<u8> {
    let mut rows = vec![0, 0, 0, 2, 0];
    for index in 0..2u32 {
        rows.extend_from_slice(&index.to_be_bytes());
        rows.extend_from_slice(&petrel_tests::users::key(1).digest());
        // A row of its own: read everything, two fields, no operations.
        rows.extend_from_slice(&[0, READ_ALL, 0, 2, 0, 0]);
        for (kind, text) in [(NAMESPACE, "test"), (SET, "users")] {
            rows.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
            rows.push(kind);
            rows.extend_from_slice(text.as_bytes());
        }
    }
    rows
}

/// Sends the frame and fails unless one frame comes back that refuses with the code and is the last, and
/// the connection then answers a read.
async fn ends_with(code: Option<u8>, request: &[u8]) -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut wire = Wire::open(host.address())?;
    wire.send(request)?;
    let (kind, body) = wire.receive()?;
    ensure!(kind == MESSAGE, "an answer of type {kind}");
    ensure!(body[5] != 0, "the request was taken");
    ensure!(
        code.is_none_or(|code| body[5] == code),
        "code {} instead of {code:?}",
        body[5]
    );
    ensure!(body[3] & LAST != 0, "the refusal is not marked as the last");
    let code = wire.ask(&Message::read(1))?;
    ensure!(code == 0, "the connection answers {code} to a read");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_filter_is_not_taken() -> Result<()> {
    let batch = message(BATCH | 1, 0)
        .with(BATCH_ROWS, rows())
        .with(FILTER, NO_CONDITION);
    ends_with(Some(BAD_PARAMETER), &batch.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_rows_are_cut_off() -> Result<()> {
    let mut cut = rows();
    cut.truncate(40);
    let batch = message(BATCH | 1, 0).with(BATCH_ROWS, cut);
    ends_with(Some(BAD_PARAMETER), &batch.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_rows() -> Result<()> {
    ends_with(Some(BAD_PARAMETER), &message(BATCH | 1, 0).frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_filter_is_not_taken() -> Result<()> {
    let query = message(READ_ALL, 0).with(FILTER, NO_CONDITION);
    ends_with(Some(BAD_PARAMETER), &query.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_an_unknown_namespace() -> Result<()> {
    let mut query = message(READ_ALL, 0);
    query.fields[0].1 = b"nowhere".to_vec();
    ends_with(Some(NO_NAMESPACE), &query.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_task_whose_filter_is_not_taken() -> Result<()> {
    let mut task = message(0, WRITE).with(FILTER, NO_CONDITION);
    task.operations.push([&[11, 0, 0, 0][..]].concat());
    ends_with(Some(BAD_PARAMETER), &task.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_task_that_does_nothing() -> Result<()> {
    ends_with(Some(BAD_PARAMETER), &message(0, WRITE).frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_function_without_a_name() -> Result<()> {
    let task = message(0, WRITE)
        .with(UDF_PACKAGE, "bench")
        .with(UDF_FUNCTION, "")
        .with(UDF_OP, [2]);
    ends_with(Some(UDF_FAILED), &task.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_on_streams_that_is_unknown() -> Result<()> {
    let query = message(READ_ALL, 0)
        .with(UDF_PACKAGE, "bench")
        .with(UDF_FUNCTION, "noop")
        .with(UDF_OP, [9]);
    ends_with(None, &query.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_text_that_is_no_filter() -> Result<()> {
    // Flag bit 1 asks for the plan.
    let explain = message(READ_ALL, 0).with(WHERE, b"\x02$.v ==".to_vec());
    ends_with(Some(BAD_PARAMETER), &explain.frame()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_cut_off() -> Result<()> {
    let mut body = message(READ_ALL, 0).body();
    body.truncate(body.len() - 3);
    ends_with(Some(BAD_PARAMETER), &frame(2, MESSAGE, &body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_that_does_not_inflate() -> Result<()> {
    const COMPRESSED: u8 = 4;
    let body = [&100u64.to_be_bytes()[..], b"not deflated"].concat();
    ends_with(None, &frame(2, COMPRESSED, &body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_one_record_is_answered_with_one_message() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut wire = Wire::open(host.address())?;
    let code = wire.ask(&Message::read(1).with(FILTER, NO_CONDITION))?;
    assert_eq!(code, BAD_PARAMETER);
    assert_eq!(wire.ask(&Message::read(1))?, 0);
    Ok(())
}
