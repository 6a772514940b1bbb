//! A batch: streams a message for each row, then the end.

use std::io;

use futures::StreamExt as _;

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use crate::model::ResultCode;
use crate::wire::{self, FrameKind, Message, ReplyTo, begin_frame, end_frame};

/// Answers a batch.
///
/// # Errors
/// When the reply cannot be sent.
pub async fn answer(
    host: &Host,
    message: &Message<'_>,
    to: ReplyTo,
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    let batch = match message.filter().and_then(|filter| message.batch(filter)) {
        Ok(batch) => batch,
        Err(e) => {
            wire::push_refusal(&mut outbox.buf, e, to);
            return Ok(());
        }
    };
    let mut last = ResultCode::Ok;
    let mut frame = begin_frame(&mut outbox.buf, FrameKind::Message);
    let mut replies = std::pin::pin!(host.dispatcher.batch(batch.groups));
    while let Some(replies) = replies.next().await {
        for (batch_index, reply) in replies.rows {
            let to = ReplyTo {
                error_detail: replies.error_detail,
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

/// Whether a row's failure is the batch's too, when the client does not want every row's own.
fn ends_batch(code: ResultCode) -> bool {
    !matches!(
        code,
        ResultCode::Ok | ResultCode::NotFound | ResultCode::FilteredOut
    )
}
