//! Foreground queries: reads pages, streams what matches.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use crate::dispatch::{Namespace, Query};
use crate::model::{PartitionId, Result, ResultCode};
use crate::request::{Found, QuerySpec};
use crate::store::Cursor;
use crate::wire::{self, FrameKind, Message, QueryParams, begin_frame, end_frame};

/// A query, ready to run.
pub struct Scan {
    namespace: Arc<Namespace>,
    query: Query,
    params: QueryParams,
}

/// Prepares a query.
///
/// # Errors
/// When the message is malformed, or names a namespace that is not there.
pub fn start(host: &Host, message: &Message<'_>) -> Result<Scan> {
    let namespace = host.dispatcher.namespace(message.namespace()?)?.clone();
    let spec = QuerySpec {
        set: message
            .fields
            .set
            .filter(|s| !s.is_empty())
            .map(<[u8]>::to_vec),
        filter: message.filter()?,
        bins: message.bins()?,
    };
    Ok(Scan {
        query: Query::new(namespace.clone(), spec),
        namespace,
        params: message.query_params()?,
    })
}

/// Sends the frame in the making once it is large, and begins the next.
async fn pass_on(outbox: &mut Outbox<'_>, frame: &mut usize) -> io::Result<()> {
    if outbox.buf.len() > PIECE {
        end_frame(&mut outbox.buf, *frame);
        outbox.flush().await?;
        *frame = begin_frame(&mut outbox.buf, FrameKind::Message);
        tokio::task::consume_budget().await;
    }
    Ok(())
}

impl Scan {
    /// Streams the records, then the end.
    ///
    /// # Errors
    /// When the client is gone or does not read.
    pub async fn run(mut self, outbox: &mut Outbox<'_>) -> io::Result<()> {
        let mut frame = begin_frame(&mut outbox.buf, FrameKind::Message);
        let partitions = std::mem::take(&mut self.params.partitions);
        let started = Instant::now();
        let (mut sent, mut page) = (0, Vec::new());
        'all: for (partition, after) in partitions {
            let mut cursor = Cursor { after };
            loop {
                page.clear();
                let more = match self.query.page(partition, &mut cursor, &mut page) {
                    Ok(more) => more,
                    Err(e) => {
                        tracing::error!(partition, "query: {e}");
                        wire::push_partition_done(
                            &mut outbox.buf,
                            partition,
                            ResultCode::PartitionUnavailable,
                        );
                        break;
                    }
                };
                for found in &page {
                    self.push(outbox, partition, found);
                    pass_on(outbox, &mut frame).await?;
                    sent += 1;
                    if sent == self.params.max_records {
                        break 'all;
                    }
                }
                self.hold_back(sent, started, outbox, &mut frame).await?;
                if !more {
                    wire::push_partition_done(&mut outbox.buf, partition, ResultCode::Ok);
                    break;
                }
            }
            tokio::task::consume_budget().await;
            pass_on(outbox, &mut frame).await?;
        }
        wire::push_last(&mut outbox.buf, ResultCode::Ok);
        end_frame(&mut outbox.buf, frame);
        Ok(())
    }

    fn push(&self, outbox: &mut Outbox<'_>, _: PartitionId, found: &Found) {
        let sets = self.namespace.sets();
        let set = sets.get(usize::from(found.meta.set)).map_or("", |s| s);
        let bins = &self.query.spec().bins;
        wire::push_found(&mut outbox.buf, &self.namespace.name, set, found, bins);
    }

    /// Waits as long as the client's limit of records a second demands.
    async fn hold_back(
        &self,
        sent: u64,
        started: Instant,
        outbox: &mut Outbox<'_>,
        frame: &mut usize,
    ) -> io::Result<()> {
        let rate = u64::from(self.params.records_per_second);
        if rate == 0 {
            return Ok(());
        }
        let due = started + Duration::from_micros(sent.saturating_mul(1_000_000) / rate);
        if due > Instant::now() + Duration::from_millis(10) {
            // What is ready goes out before the wait, or the client would take it for a stall.
            end_frame(&mut outbox.buf, *frame);
            outbox.flush().await?;
            *frame = begin_frame(&mut outbox.buf, FrameKind::Message);
            tokio::time::sleep_until(due).await;
        }
        Ok(())
    }
}
