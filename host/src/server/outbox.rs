//! What goes out to a client: one buffer, reused, and written with as few system calls as can be.

use std::io;
use std::time::Duration;

use tokio::net::tcp::WriteHalf;

/// Replies that stream are sent on in pieces of about this size.
pub const PIECE: usize = 128 << 10;
/// The buffer gives memory beyond this back once it is sent.
const KEEP: usize = 256 << 10;

/// The write side of a connection.
pub struct Outbox<'a> {
    /// Bytes not yet sent.
    pub buf: Vec<u8>,
    socket: WriteHalf<'a>,
    timeout: Duration,
}

impl<'a> Outbox<'a> {
    /// An empty outbox; a client that takes in nothing for `timeout` fails it.
    pub fn new(socket: WriteHalf<'a>, timeout: Duration) -> Self {
        Self {
            buf: Vec::with_capacity(4096),
            socket,
            timeout,
        }
    }

    /// Returns once the peer has closed the connection; what it sends meanwhile is left where it is,
    /// and then nothing is known any more.
    pub async fn peer_gone(&self) {
        if self
            .socket
            .as_ref()
            .peek(&mut [0])
            .await
            .is_ok_and(|n| n > 0)
        {
            std::future::pending::<()>().await;
        }
    }

    /// Sends everything.
    ///
    /// # Errors
    /// When the connection is gone, or the client does not read.
    pub async fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.buf.len() {
            // The timer is made only when the socket is full, which is rare.
            match self.socket.try_write(&self.buf[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => sent += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    tokio::time::timeout(self.timeout, self.socket.writable())
                        .await
                        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.buf.clear();
        self.buf.shrink_to(KEEP);
        Ok(())
    }
}
