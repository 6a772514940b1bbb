//! The start of a background task.

use std::net::SocketAddr;

use super::host::Host;
use crate::model::{Result, ResultCode};
use crate::request::TaskSpec;
use crate::wire::{self, FrameKind, Message, ReplyTo, begin_frame, end_frame};

/// Starts the task, and answers that it has started.
pub fn answer(
    host: &Host,
    peer: SocketAddr,
    message: &Message<'_>,
    to: ReplyTo,
    out: &mut Vec<u8>,
) {
    match start(host, peer, message) {
        Ok(()) => {
            let at = begin_frame(out, FrameKind::Message);
            wire::push_last(out, ResultCode::Ok);
            end_frame(out, at);
        }
        Err(e) => wire::push_refusal(out, e, to),
    }
}

fn start(host: &Host, peer: SocketAddr, message: &Message<'_>) -> Result<()> {
    let params = message.query_params()?;
    let namespace = String::from_utf8_lossy(message.namespace()?);
    let request = message.request(message.filter()?)?;
    let set = message.set().unwrap_or_default();
    let mut spec = TaskSpec::new(&namespace, set, request)?;
    spec.id = params.task_id;
    spec.from = format!("{}+{}", peer.ip(), peer.port());
    spec.records_per_second = params.records_per_second;
    spec.socket_timeout = params.socket_timeout;
    spec.range = message.index_range()?;
    host.dispatcher.background(spec)?;
    Ok(())
}
