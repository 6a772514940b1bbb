//! Replies, appended to a buffer that the connection reuses.

use std::borrow::Cow;

use super::command::push_particle;
use super::flags::{field, info3};
use super::frame::{FrameKind, begin_frame, end_frame};
use super::message::MESSAGE_HEADER;
use crate::model::{Error, Particle, ParticleType, PartitionId, ResultCode, Value, msgpack};
use crate::request::{BinSelection, Found, Reply, ReplyBins};

/// The operation byte of bins in replies.
const OP_READ: u8 = 1;
/// Where the third byte of flags stands in a message header.
const INFO3: usize = 3;
/// Where field and operation counts stand in a message header.
const COUNTS: usize = 18;

/// How one message of a reply differs from a plain one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplyTo {
    /// How much error detail the client asked for.
    pub error_detail: u8,
    /// The row's index in a batch.
    pub batch_index: u32,
}

fn header(out: &mut Vec<u8>, info3: u8, code: u8, generation: u32, ttl: u32, index: u32) -> usize {
    let at = out.len();
    out.extend_from_slice(&[MESSAGE_HEADER as u8, 0, 0, info3, 0, code]);
    out.extend_from_slice(&generation.to_be_bytes());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    at
}

fn counts(out: &mut [u8], at: usize, fields: u16, ops: u16) {
    out[at + COUNTS..at + COUNTS + 2].copy_from_slice(&fields.to_be_bytes());
    out[at + COUNTS + 2..at + COUNTS + 4].copy_from_slice(&ops.to_be_bytes());
}

fn push_field(out: &mut Vec<u8>, kind: u8, data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32 + 1).to_be_bytes());
    out.push(kind);
    out.extend_from_slice(data);
}

fn bin_header(out: &mut Vec<u8>, name: &[u8], kind: ParticleType, len: usize) {
    out.extend_from_slice(&((4 + name.len() + len) as u32).to_be_bytes());
    out.extend_from_slice(&[OP_READ, kind.0, 0, name.len() as u8]);
    out.extend_from_slice(name);
}

fn push_bin(out: &mut Vec<u8>, name: &[u8], p: Particle<'_>) {
    bin_header(out, name, p.kind, p.data.len());
    out.extend_from_slice(p.data);
}

fn push_value(out: &mut Vec<u8>, name: &[u8], value: &Value) {
    let at = out.len();
    bin_header(out, name, value.kind(), 0);
    let data = out.len();
    value.write_particle(out);
    let len = (4 + name.len() + out.len() - data) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

/// The map that explains a failure: key 2 is the message, with the trace behind it.
fn push_error_detail(out: &mut Vec<u8>, message: &str, trace: Option<&str>) {
    let message = match trace {
        Some(trace) => Cow::from(format!("{message}\n{trace}")),
        None => Cow::from(message),
    };
    let mut detail = Vec::with_capacity(message.len() + 8);
    msgpack::pack_map_len(1, &mut detail);
    msgpack::pack_int(2, &mut detail);
    // A bare MessagePack string: the type byte of collections is not used here.
    let len = u16::try_from(message.len()).unwrap_or(u16::MAX);
    detail.push(0xDA);
    detail.extend_from_slice(&len.to_be_bytes());
    detail.extend_from_slice(&message.as_bytes()[..usize::from(len)]);
    push_field(out, field::ERROR_DETAIL, &detail);
}

fn push_selected(out: &mut Vec<u8>, body: &crate::model::Body, bins: &BinSelection) -> u16 {
    let mut n = 0;
    match bins {
        BinSelection::All => {
            for (name, particle) in body.bins() {
                push_bin(out, name, particle);
                n += 1;
            }
        }
        BinSelection::None => {}
        BinSelection::Some(names) => {
            for name in names.iter() {
                if let Some(particle) = body.bin(name.as_bytes()) {
                    push_bin(out, name.as_bytes(), particle);
                    n += 1;
                }
            }
        }
    }
    n
}

/// Appends the message of a reply, without a frame around it.
pub fn push_reply(out: &mut Vec<u8>, reply: &Reply, to: ReplyTo) {
    let at = header(
        out,
        0,
        reply.code.value(),
        reply.generation.into(),
        reply.void_time,
        to.batch_index,
    );
    let mut fields = 0;
    let failed = reply.code != ResultCode::Ok;
    if let Some(message) = reply
        .message
        .as_deref()
        .filter(|_| failed && to.error_detail >= 2)
    {
        let trace = reply.trace.as_deref().filter(|_| to.error_detail >= 3);
        push_error_detail(out, message, trace);
        fields = 1;
    }
    let ops = match &reply.bins {
        ReplyBins::None if reply.code == ResultCode::UdfExecution => {
            let message = reply.message.as_deref().unwrap_or("the function failed");
            let text = Particle::new(ParticleType::STRING, message.as_bytes());
            push_bin(out, b"FAILURE", text);
            1
        }
        ReplyBins::None => 0,
        ReplyBins::Record(body, bins) => push_selected(out, body, bins),
        ReplyBins::Values(values) => {
            for (name, value) in values {
                push_value(out, name.as_ref().map_or(&[], |n| n.as_bytes()), value);
            }
            values.len() as u16
        }
        ReplyBins::Udf(value) => {
            push_value(out, b"SUCCESS", value);
            1
        }
    };
    counts(out, at, fields, ops);
}

/// Appends a whole frame with one reply.
pub fn push_single(out: &mut Vec<u8>, reply: &Reply, to: ReplyTo) {
    let at = begin_frame(out, FrameKind::Message);
    push_reply(out, reply, to);
    end_frame(out, at);
}

/// Appends a whole frame that refuses a request and ends the conversation about it: a client that
/// waits for many messages waits for no more.
pub fn push_refusal(out: &mut Vec<u8>, error: Error, to: ReplyTo) {
    let frame = begin_frame(out, FrameKind::Message);
    let at = out.len();
    let code = error.code;
    push_reply(out, &error.into(), to);
    // Clients take `NotFound` for a set without records, but marked as the last for a failure.
    if code != ResultCode::NotFound {
        out[at + INFO3] |= info3::LAST;
    }
    end_frame(out, frame);
}

/// Appends the message of a query's record, without a frame around it.
pub fn push_found(
    out: &mut Vec<u8>,
    namespace: &str,
    set: &str,
    found: &Found,
    bins: &BinSelection,
) {
    let at = header(out, 0, 0, found.generation.into(), found.void_time, 0);
    push_field(out, field::NAMESPACE, namespace.as_bytes());
    push_field(out, field::DIGEST, &found.digest.0);
    let mut fields = 2;
    if !set.is_empty() {
        push_field(out, field::SET, set.as_bytes());
        fields += 1;
    }
    if let Some(key) = found.body.user_key() {
        out.extend_from_slice(&(key.data.len() as u32 + 2).to_be_bytes());
        out.push(field::KEY);
        push_particle(out, key);
        fields += 1;
    }
    if let Some(value) = found.found_at {
        push_field(out, field::INDEX_VALUES, &value.to_le_bytes());
        fields += 1;
    }
    let ops = push_selected(out, &found.body, bins);
    counts(out, at, fields, ops);
}

/// Appends the message that says why an aggregation ends before its time.
pub fn push_failure(out: &mut Vec<u8>, message: &str) {
    let at = header(out, 0, 0, 0, 0, 0);
    let text = Particle::new(ParticleType::STRING, message.as_bytes());
    push_bin(out, b"FAILURE", text);
    counts(out, at, 0, 1);
}

/// Appends the message that says why a query has not all of a partition. Of one that it has all of,
/// clients need no word.
pub fn push_partition_done(out: &mut Vec<u8>, partition: PartitionId, code: ResultCode) {
    header(
        out,
        info3::PARTITION_DONE,
        code.value(),
        partition.into(),
        0,
        0,
    );
}

/// Appends the message that ends a batch or query.
pub fn push_last(out: &mut Vec<u8>, code: ResultCode) {
    header(out, info3::LAST, code.value(), 0, 0, 0);
}

/// Appends the frame that answers anything about users: this host has none (result code 51).
pub fn push_security_refusal(out: &mut Vec<u8>) {
    let at = begin_frame(out, FrameKind::Security);
    let mut body = [0; 16];
    body[1] = ResultCode::SecurityNotSupported.value();
    out.extend_from_slice(&body);
    end_frame(out, at);
}
