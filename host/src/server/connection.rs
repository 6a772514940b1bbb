//! One connection: reads frames, has them answered, one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::host::Host;
use super::outbox::{Outbox, PIECE};
use super::{info, message};
use crate::model::{Error, ResultCode};
use crate::wire::{self, FRAME_HEADER, FrameError, FrameHeader, FrameKind, ReplyTo};

/// Room for reading is made in steps of this size.
const STEP: usize = 16 << 10;
/// The read buffer gives memory beyond this back after a large frame.
const KEEP: usize = 256 << 10;
/// How often a waiting connection looks at its timeouts and whether the host is stopping.
const TICK: Duration = Duration::from_millis(500);

/// Serves a connection until either side ends it.
///
/// # Errors
/// When the connection breaks, times out, or does not speak the protocol.
pub async fn run(host: Arc<Host>, mut socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let (reader, writer) = socket.split();
    let write_timeout = Duration::from_secs(host.config.network.write_timeout_secs.max(1));
    let mut inbox = Inbox::new(&host, reader);
    let mut outbox = Outbox::new(writer, write_timeout);
    loop {
        let frame = match inbox.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                outbox.flush().await?;
                if host.is_stopping() || !inbox.fill().await? {
                    return Ok(());
                }
                continue;
            }
            Err(e) => {
                tracing::warn!(%peer, "connection closed: {e}");
                if let FrameError::TooLarge { .. } = e {
                    let error = Error::new(ResultCode::RecordTooBig, e.to_string());
                    wire::push_refusal(&mut outbox.buf, error, ReplyTo::default());
                }
                return outbox.flush().await;
            }
        };
        answer(&host, peer, frame, &mut outbox).await?;
        if outbox.buf.len() > PIECE {
            outbox.flush().await?;
        }
    }
}

async fn answer(
    host: &Arc<Host>,
    peer: SocketAddr,
    (kind, body): (FrameKind, Bytes),
    outbox: &mut Outbox<'_>,
) -> io::Result<()> {
    match kind {
        FrameKind::Message => message::answer(host, peer, &body, outbox).await,
        FrameKind::Info => {
            info::answer(host, &body, &mut outbox.buf).await;
            Ok(())
        }
        FrameKind::Security => {
            wire::push_security_refusal(&mut outbox.buf);
            Ok(())
        }
        FrameKind::Compressed => {
            let max = host.config.network.max_frame_bytes;
            match wire::inflate(&body, max) {
                Ok(body) => message::answer(host, peer, &body, outbox).await,
                Err(e) => {
                    wire::push_refusal(&mut outbox.buf, e, ReplyTo::default());
                    Ok(())
                }
            }
        }
    }
}

/// The read side of a connection.
struct Inbox<'a> {
    socket: ReadHalf<'a>,
    buf: BytesMut,
    tick: Interval,
    /// When the last frame was complete, or the present one began.
    since: Instant,
    host: &'a Host,
}

impl<'a> Inbox<'a> {
    fn new(host: &'a Host, socket: ReadHalf<'a>) -> Self {
        let mut tick = tokio::time::interval_at(Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            buf: BytesMut::with_capacity(STEP),
            tick,
            since: Instant::now(),
            host,
        }
    }

    fn header(&self) -> Result<Option<FrameHeader>, FrameError> {
        match self.buf.first_chunk::<FRAME_HEADER>() {
            Some(bytes) => {
                FrameHeader::decode(*bytes, self.host.config.network.max_frame_bytes).map(Some)
            }
            // A peer of another protocol is told from its first byte.
            None if self.buf.first().is_some_and(|v| *v != wire::VERSION) => {
                Err(FrameError::Version(self.buf[0]))
            }
            None => Ok(None),
        }
    }

    /// The next whole frame that has arrived.
    fn next(&mut self) -> Result<Option<(FrameKind, Bytes)>, FrameError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        if self.buf.len() < FRAME_HEADER + header.len {
            return Ok(None);
        }
        self.buf.advance(FRAME_HEADER);
        let body = self.buf.split_to(header.len).freeze();
        if self.buf.is_empty() && header.len > KEEP {
            self.buf = BytesMut::new();
        }
        Ok(Some((header.kind, body)))
    }

    /// Waits for bytes. Returns `false` when the peer has closed, or the host is stopping
    /// and no frame has begun.
    async fn fill(&mut self) -> io::Result<bool> {
        // Room grows with what has arrived, not with what a header announces.
        let waiting = self.buf.len();
        let room = match self.header() {
            Ok(Some(h)) => (FRAME_HEADER + h.len - waiting).clamp(STEP, waiting.max(STEP)),
            _ => STEP,
        };
        if self.buf.capacity() - waiting < room.min(4096) {
            self.buf.reserve(room);
        }
        if waiting == 0 {
            self.since = Instant::now();
        }
        loop {
            tokio::select! {
                biased;
                read = self.socket.read_buf(&mut self.buf) => {
                    return match read? {
                        0 if waiting > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
                        n => Ok(n > 0),
                    };
                }
                _ = self.tick.tick() => {
                    if waiting == 0 && self.host.is_stopping() {
                        return Ok(false);
                    }
                    if self.since.elapsed() > self.patience(waiting) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
            }
        }
    }

    /// How long a connection may take over what it does now.
    fn patience(&self, waiting: usize) -> Duration {
        let network = &self.host.config.network;
        if waiting > 0 {
            let size = (waiting >> 16) as u64;
            Duration::from_secs(network.frame_timeout_secs.max(1) + size)
        } else if network.idle_timeout_secs > 0 {
            Duration::from_secs(network.idle_timeout_secs)
        } else {
            Duration::MAX
        }
    }
}
