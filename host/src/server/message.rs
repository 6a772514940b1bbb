//! One message: told apart by what it asks for, and answered.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;

use super::host::Host;
use super::outbox::Outbox;
use super::{aggregate, background, batch, explain, query, single};
use crate::wire::{self, Command, Message, ReplyTo};

/// Answers one message.
///
/// # Errors
/// When the reply cannot be sent. What is wrong with the request goes into the reply.
pub async fn answer(
    host: &Host,
    peer: SocketAddr,
    frame: &Bytes,
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    let message = match Message::parse(frame) {
        Ok(message) => message,
        Err(e) => {
            wire::push_refusal(&mut outbox.buf, e, ReplyTo::default());
            return Ok(());
        }
    };
    let to = ReplyTo {
        error_detail: message.header.error_detail(),
        batch_index: 0,
    };
    match message.command() {
        Ok(Command::Single) => single::answer(host, &message, to, &mut outbox.buf).await,
        Ok(Command::Batch) => return batch::answer(host, &message, to, outbox).await,
        Ok(Command::Query) => return query::answer(host, &message, to, outbox).await,
        Ok(Command::Aggregate(yields)) => {
            return aggregate::answer(host, peer, &message, yields, to, outbox).await;
        }
        Ok(Command::Background) => {
            background::answer(host, peer, &message, to, &mut outbox.buf);
        }
        Ok(Command::Explain) => explain::answer(host, &message, to, &mut outbox.buf),
        Err(e) => wire::push_refusal(&mut outbox.buf, e, to),
    }
    Ok(())
}
