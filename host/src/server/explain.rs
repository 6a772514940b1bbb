//! The plan of a query.

use super::host::Host;
use crate::request::Reply;
use crate::wire::{self, Message, ReplyTo};

/// Answers with the plan. Without secondary indexes every plan is a walk: a reply without fields.
pub fn answer(host: &Host, message: &Message<'_>, to: ReplyTo, out: &mut Vec<u8>) {
    let plan = message
        .filter()
        .and_then(|_| host.dispatcher.namespace(message.namespace()?));
    match plan {
        Ok(_) => wire::push_single(out, &Reply::ok(0, 0), to),
        Err(e) => wire::push_refusal(out, e, to),
    }
}
