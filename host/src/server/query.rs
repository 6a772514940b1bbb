//! A query: streams what matches, partition by partition, then the end.

use std::io;

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use crate::dispatch::Query;
use crate::model::{Result, ResultCode};
use crate::request::{BinSelection, QuerySpec};
use crate::wire::{self, FRAME_HEADER, FrameKind, Message, ReplyTo, begin_frame, end_frame};

/// The least limit of records a second: clients give up on a query that takes minutes, and know from
/// the incumbent that none has to wait longer than 10 ms for a record.
const SLOWEST: u32 = 100;

/// Answers a query.
///
/// # Errors
/// When the client is gone or does not read.
pub async fn answer(
    host: &Host,
    message: &Message<'_>,
    to: ReplyTo,
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    match start(host, message) {
        Ok((query, bins)) => stream(query, &bins, outbox).await,
        Err(e) => {
            wire::push_refusal(&mut outbox.buf, e, to);
            Ok(())
        }
    }
}

fn start(host: &Host, message: &Message<'_>) -> Result<(Query, BinSelection)> {
    let namespace = host.dispatcher.namespace(message.namespace()?)?;
    let params = message.query_params()?;
    let bins = message.bins()?;
    let spec = QuerySpec {
        set: message.set().map(<[u8]>::to_vec),
        range: message.index_range()?,
        filter: message.filter()?,
        bins: bins.clone(),
        partitions: Some(params.partitions),
        max_records: params.max_records,
        records_per_second: match params.records_per_second {
            0 => 0,
            limit => limit.max(SLOWEST),
        },
    };
    Ok((host.dispatcher.query(namespace, spec)?, bins))
}

async fn stream(mut query: Query, bins: &BinSelection, outbox: &mut Outbox<'_>) -> io::Result<()> {
    let namespace = query.namespace().clone();
    let mut frame = begin_frame(&mut outbox.buf, FrameKind::Message);
    while let Some(page) = query.next().await {
        // What is ready goes out before a wait, or the client would take it for a stall. It would take
        // an empty frame for the end.
        let ready = outbox.buf.len() > frame + FRAME_HEADER;
        if (ready && page.due.is_some()) || outbox.buf.len() > PIECE {
            end_frame(&mut outbox.buf, frame);
            outbox.flush().await?;
            frame = begin_frame(&mut outbox.buf, FrameKind::Message);
        }
        page.wait().await;
        let sets = namespace.sets();
        for found in &page.found {
            let set = sets.name(found.set).map_or("", |name| name);
            wire::push_found(&mut outbox.buf, &namespace.name, set, found, bins);
        }
        if let Some((partition, e)) = page.failed {
            tracing::error!(partition, "query: {e}");
            let code = ResultCode::PartitionUnavailable;
            wire::push_partition_done(&mut outbox.buf, partition, code);
        }
        tokio::task::consume_budget().await;
    }
    wire::push_last(&mut outbox.buf, ResultCode::Ok);
    end_frame(&mut outbox.buf, frame);
    Ok(())
}
