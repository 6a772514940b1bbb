//! Answers messages: single records, batches, the start of background tasks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use super::scan;
use crate::dispatch::BackgroundSpec;
use crate::model::{Error, Result, ResultCode};
use crate::request::{Reply, Request, Target, Work};
use crate::task::TaskInfo;
use crate::wire::{
    self, Batch, Command, FrameKind, Group, Message, ReplyTo, begin_frame, end_frame,
};

/// Rows of a batch that are worked on at a time, so that their replies are sent while others run.
const ROWS: usize = 1024;
/// How many such pieces of a batch run at once.
const AT_ONCE: usize = 16;

/// Answers one message.
///
/// # Errors
/// When the reply cannot be sent. What is wrong with the request goes into the reply.
pub async fn answer(
    host: &Arc<Host>,
    peer: SocketAddr,
    frame: &Bytes,
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    let message = match Message::parse(frame) {
        Ok(message) => message,
        Err(e) => {
            wire::push_error(&mut outbox.buf, e, ReplyTo::default());
            return Ok(());
        }
    };
    let to = ReplyTo {
        error_detail: message.header.error_detail(),
        batch_index: 0,
    };
    let command = match message.command() {
        Ok(command) => command,
        Err(e) => {
            wire::push_error(&mut outbox.buf, e, to);
            return Ok(());
        }
    };
    match command {
        Command::Single => {
            let reply = match single(&message) {
                Ok((request, target)) => match message
                    .namespace()
                    .and_then(|n| host.dispatcher.namespace(n))
                {
                    Ok(ns) => host.dispatcher.execute_one(ns, request, target).await,
                    Err(e) => e.into(),
                },
                Err(e) => e.into(),
            };
            wire::push_single(&mut outbox.buf, &reply, to);
            Ok(())
        }
        Command::Batch => match message.filter().and_then(|filter| message.batch(filter)) {
            Ok(rows) => batch(host, rows, outbox).await,
            Err(e) => {
                wire::push_error(&mut outbox.buf, e, to);
                Ok(())
            }
        },
        Command::Query => match scan::start(host, &message) {
            Ok(scan) => scan.run(outbox).await,
            Err(e) => {
                wire::push_error(&mut outbox.buf, e, to);
                Ok(())
            }
        },
        Command::Background => {
            let code = match background(host, peer, &message) {
                Ok(()) => ResultCode::Ok,
                Err(e) => {
                    wire::push_error(&mut outbox.buf, e, to);
                    return Ok(());
                }
            };
            let at = begin_frame(&mut outbox.buf, FrameKind::Message);
            wire::push_last(&mut outbox.buf, code);
            end_frame(&mut outbox.buf, at);
            Ok(())
        }
        Command::Explain => {
            // Without secondary indexes every plan is a scan: a reply without fields.
            let plan = message
                .filter()
                .and_then(|_| host.dispatcher.namespace(message.namespace()?));
            let reply = match plan {
                Ok(_) => Reply::ok(0, 0),
                Err(e) => e.into(),
            };
            wire::push_single(&mut outbox.buf, &reply, to);
            Ok(())
        }
    }
}

fn single(message: &Message<'_>) -> Result<(Request, Target)> {
    let request = message.request(message.filter()?)?;
    Ok((request, message.target()?))
}

async fn batch(host: &Host, batch: Batch, outbox: &mut Outbox<'_>) -> io::Result<()> {
    let mut last = ResultCode::Ok;
    let mut frame = begin_frame(&mut outbox.buf, FrameKind::Message);
    let pieces = batch.groups.into_iter().flat_map(pieces);
    // Functions run on other threads: several pieces at a time keep those busy.
    let mut replies = stream::iter(pieces)
        .map(|piece| apply(host, piece))
        .buffered(AT_ONCE);
    while let Some((error_detail, rows)) = replies.next().await {
        for (batch_index, reply) in rows {
            let to = ReplyTo {
                error_detail,
                batch_index,
            };
            wire::push_reply(&mut outbox.buf, &reply, to);
            if ends_batch(reply.code) && !batch.respond_all {
                last = reply.code;
            }
            if outbox.buf.len() > PIECE {
                end_frame(&mut outbox.buf, frame);
                outbox.flush().await?;
                frame = begin_frame(&mut outbox.buf, FrameKind::Message);
            }
        }
    }
    wire::push_last(&mut outbox.buf, last);
    end_frame(&mut outbox.buf, frame);
    Ok(())
}

/// Cuts a group into pieces of at most [`ROWS`] rows.
fn pieces(group: Group) -> impl Iterator<Item = Group> {
    let mut rest = group.rows.into_iter();
    std::iter::from_fn(move || {
        let rows: Vec<_> = rest.by_ref().take(ROWS).collect();
        (!rows.is_empty()).then(|| Group {
            namespace: group.namespace.clone(),
            request: group.request.clone(),
            rows,
            error_detail: group.error_detail,
        })
    })
}

async fn apply(host: &Host, piece: Group) -> (u8, Vec<(u32, Reply)>) {
    let (indexes, targets): (Vec<u32>, Vec<Target>) = piece.rows.into_iter().unzip();
    let ready = piece
        .request
        .and_then(|request| Ok((host.dispatcher.namespace(&piece.namespace)?, request)));
    let replies = match ready {
        Ok((ns, request)) => host.dispatcher.execute(ns, request, targets).await,
        Err(e) => vec![Reply::from(e); targets.len()],
    };
    (
        piece.error_detail,
        indexes.into_iter().zip(replies).collect(),
    )
}

/// Whether a row's failure is the batch's too, when the client does not want every row's own.
fn ends_batch(code: ResultCode) -> bool {
    !matches!(
        code,
        ResultCode::Ok | ResultCode::NotFound | ResultCode::FilteredOut
    )
}

fn background(host: &Host, peer: SocketAddr, message: &Message<'_>) -> Result<()> {
    let params = message.query_params()?;
    let namespace = host.dispatcher.namespace(message.namespace()?)?.clone();
    let mut request = message.request(message.filter()?)?;
    let (job_type, udf) = match &mut request.work {
        Work::Udf(call) => {
            let names = (call.package.clone(), call.function.clone());
            ("background-udf", Some(names))
        }
        Work::Delete => ("background-delete", None),
        Work::Operate { ops, reply_all } => {
            if ops.is_empty() {
                return Err(Error::new(
                    ResultCode::ParameterError,
                    "a background task needs operations, or a function to run",
                ));
            }
            *reply_all = false;
            ("background-ops", None)
        }
        Work::Read(_) => {
            return Err(Error::new(
                ResultCode::ParameterError,
                "a background task writes; query to read",
            ));
        }
    };
    let set = message.fields.set.filter(|s| !s.is_empty());
    let info = TaskInfo {
        // Clients choose the id; one that does not cannot ask for the task by id later.
        id: match params.task_id {
            0 => crate::model::now_millis(),
            id => id,
        },
        job_type,
        namespace: namespace.name.to_string(),
        set: set
            .map(|s| String::from_utf8_lossy(s).into_owned())
            .unwrap_or_default(),
        from: format!("{}+{}", peer.ip(), peer.port()),
        udf,
        records_per_second: params.records_per_second,
        socket_timeout: params.socket_timeout,
    };
    host.dispatcher.background(BackgroundSpec {
        namespace,
        set: set.map(<[u8]>::to_vec),
        request,
        info,
    })?;
    Ok(())
}
