//! A call on one record.

use super::host::Host;
use crate::model::Result;
use crate::request::{Reply, Request, Target};
use crate::wire::{self, Message, ReplyTo};

/// Answers with one message.
pub async fn answer(host: &Host, message: &Message<'_>, to: ReplyTo, out: &mut Vec<u8>) {
    let namespace = message
        .namespace()
        .and_then(|name| host.dispatcher.namespace(name));
    let reply = match parse(message).and_then(|call| Ok((namespace?, call))) {
        Ok((namespace, (request, target))) => {
            host.dispatcher.call(namespace, request, target).await
        }
        Err(e) => Reply::from(e),
    };
    wire::push_single(out, &reply, to);
}

fn parse(message: &Message<'_>) -> Result<(Request, Target)> {
    Ok((message.request(message.filter()?)?, message.target()?))
}
