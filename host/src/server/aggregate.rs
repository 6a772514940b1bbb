//! An aggregation: streams the values that come of it, then how it ended.

use std::io;
use std::net::SocketAddr;

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use crate::dispatch::Aggregation;
use crate::model::{Error, Result, ResultCode, Value};
use crate::request::{AggregateSpec, Reply, ReplyBins, Yields};
use crate::wire::{self, FrameKind, Message, ReplyTo, begin_frame, end_frame};

/// Answers an aggregation.
///
/// # Errors
/// When the client is gone or does not read.
pub async fn answer(
    host: &Host,
    peer: SocketAddr,
    message: &Message<'_>,
    yields: Yields,
    to: ReplyTo,
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    match start(host, peer, message, yields) {
        Ok(aggregation) => stream(aggregation, outbox).await,
        Err(e) if e.code == ResultCode::UdfExecution => {
            fail(&mut outbox.buf, 1, &e);
            Ok(())
        }
        Err(e) => {
            wire::push_refusal(&mut outbox.buf, e, to);
            Ok(())
        }
    }
}

fn start(
    host: &Host,
    peer: SocketAddr,
    message: &Message<'_>,
    yields: Yields,
) -> Result<Aggregation> {
    let params = message.query_params()?;
    let namespace = String::from_utf8_lossy(message.namespace()?);
    let spec = AggregateSpec {
        range: message.index_range()?,
        filter: message.filter()?,
        yields,
        partitions: Some(params.partitions),
        records_per_second: params.records_per_second,
        id: params.task_id,
        from: format!("{}+{}", peer.ip(), peer.port()),
        socket_timeout: params.socket_timeout,
        ..AggregateSpec::new(&namespace, message.set(), message.udf()?)
    };
    host.dispatcher.aggregate(spec)
}

async fn stream(mut aggregation: Aggregation, outbox: &mut Outbox<'_>) -> io::Result<()> {
    loop {
        // There may be nothing to send for long, and so no other way to find that nobody waits.
        let values = tokio::select! {
            values = aggregation.next() => values,
            () = outbox.peer_gone() => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        match values {
            Some(Ok(values)) => push(values, outbox).await?,
            Some(Err(e)) if e.code == ResultCode::UdfExecution => {
                fail(&mut outbox.buf, 2, &e);
                return Ok(());
            }
            Some(Err(e)) => {
                last(&mut outbox.buf, e.code);
                return Ok(());
            }
            None => {
                last(&mut outbox.buf, ResultCode::Ok);
                return Ok(());
            }
        }
    }
}

/// Sends values, a message each.
async fn push(values: Vec<Value>, outbox: &mut Outbox<'_>) -> io::Result<()> {
    let mut frame = begin_frame(&mut outbox.buf, FrameKind::Message);
    for value in values {
        if outbox.buf.len() > PIECE {
            end_frame(&mut outbox.buf, frame);
            outbox.flush().await?;
            frame = begin_frame(&mut outbox.buf, FrameKind::Message);
        }
        let reply = Reply {
            bins: ReplyBins::Udf(value),
            ..Reply::ok(0, 0)
        };
        wire::push_reply(&mut outbox.buf, &reply, ReplyTo::default());
    }
    end_frame(&mut outbox.buf, frame);
    outbox.flush().await
}

/// A failure as clients know it from the incumbent: 1 for a module that is not there, 2 for code that
/// fails.
fn fail(out: &mut Vec<u8>, number: u8, e: &Error) {
    let frame = begin_frame(out, FrameKind::Message);
    let text = format!("UDF: Execution Error {number} : {}", e.message);
    wire::push_failure(out, &text);
    end_frame(out, frame);
    last(out, ResultCode::ServerError);
}

fn last(out: &mut Vec<u8>, code: ResultCode) {
    let frame = begin_frame(out, FrameKind::Message);
    wire::push_last(out, code);
    end_frame(out, frame);
}
