//! The other side of a conversation: a request as a client sends it, and the messages that come back.
//! For what the command line asks that no official client can.

use bytes::Bytes;

use super::flags::{field, info1, info3, info4};
use super::frame::{FrameKind, begin_frame, end_frame};
use super::message::{Cursor, MESSAGE_HEADER, RawOp, bad};
use crate::model::{Result, Value};

/// One message of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its result code.
    pub code: u8,
    /// Whether it is the last.
    pub last: bool,
    /// What went wrong, where the host says so.
    pub detail: Option<String>,
    /// Its bins, by name.
    pub bins: Vec<(Vec<u8>, Value)>,
}

/// Appends a whole frame with a request that reads, of these fields, and asks for error messages.
pub fn push_request(out: &mut Vec<u8>, fields: &[(u8, &[u8])]) {
    let at = begin_frame(out, FrameKind::Message);
    let detail = 2 << info4::ERROR_DETAIL_SHIFT;
    out.extend_from_slice(&[MESSAGE_HEADER as u8, info1::READ, 0, 0, detail, 0]);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&(fields.len() as u16).to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    for (kind, data) in fields {
        out.extend_from_slice(&(data.len() as u32 + 1).to_be_bytes());
        out.push(*kind);
        out.extend_from_slice(data);
    }
    end_frame(out, at);
}

/// The messages in the body of a frame.
///
/// # Errors
/// [`ResultCode::ParameterError`](crate::model::ResultCode::ParameterError) when it is malformed.
pub fn read_answers(frame: &Bytes) -> Result<Vec<Answer>> {
    let mut cursor = Cursor { rest: frame };
    let mut answers = Vec::new();
    while !cursor.rest.is_empty() {
        answers.push(read_answer(frame, &mut cursor)?);
    }
    Ok(answers)
}

fn read_answer(frame: &Bytes, cursor: &mut Cursor<'_>) -> Result<Answer> {
    let [len, _, _, third, _, code] = cursor.array()?;
    if usize::from(len) != MESSAGE_HEADER {
        return Err(bad("the message header has another length"));
    }
    cursor.take(12)?;
    let (fields, ops) = (cursor.u16()?, cursor.u16()?);
    let mut detail = None;
    for _ in 0..fields {
        let size = cursor.u32()? as usize;
        if let Some((&field::ERROR_DETAIL, data)) = cursor.take(size)?.split_first() {
            // A map of one entry, whose value is a string with a length of two bytes.
            detail = data
                .get(5..)
                .map(|text| String::from_utf8_lossy(text).into_owned());
        }
    }
    let mut bins = Vec::new();
    for _ in 0..ops {
        let op = RawOp::parse(cursor)?;
        let value = Value::from_particle(op.kind, frame.slice_ref(op.data))?;
        bins.push((op.name.to_vec(), value));
    }
    Ok(Answer {
        code,
        last: third & info3::LAST != 0,
        detail,
        bins,
    })
}

#[cfg(test)]
mod tests {
    use super::super::reply::{ReplyTo, push_failure, push_last, push_refusal, push_reply};
    use super::*;
    use crate::model::{Error, ResultCode};
    use crate::request::{Reply, ReplyBins};

    fn answers(frame: Vec<u8>) -> Result<Vec<Answer>> {
        read_answers(&Bytes::from(frame))
    }

    #[test]
    fn what_was_replied_is_read() {
        let mut frame = Vec::new();
        let reply = Reply {
            bins: ReplyBins::Udf("x".into()),
            ..Reply::ok(0, 0)
        };
        push_reply(&mut frame, &reply, ReplyTo::default());
        push_failure(&mut frame, "boom");
        push_last(&mut frame, ResultCode::ServerError);
        let answers = answers(frame).unwrap();
        let bins: Vec<_> = answers.iter().map(|a| a.bins.clone()).collect();
        let bin = |name: &str, value: &str| vec![(name.as_bytes().to_vec(), Value::from(value))];
        assert_eq!(bins, [bin("SUCCESS", "x"), bin("FAILURE", "boom"), vec![]]);
        let ends: Vec<_> = answers.iter().map(|a| (a.code, a.last)).collect();
        assert_eq!(ends, [(0, false), (0, false), (1, true)]);
    }

    #[test]
    fn a_refusal_has_its_words() {
        let mut frame = Vec::new();
        let to = ReplyTo {
            error_detail: 2,
            batch_index: 0,
        };
        push_refusal(&mut frame, Error::new(ResultCode::Unsupported, "no"), to);
        let answers = answers(frame.split_off(8)).unwrap();
        assert_eq!(answers[0].detail.as_deref(), Some("no"));
        assert_eq!((answers[0].code, answers[0].last), (16, true));
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        let mut frame = Vec::new();
        push_failure(&mut frame, "boom");
        for len in 1..frame.len() {
            assert!(answers(frame[..len].to_vec()).is_err(), "{len}");
        }
    }
}
