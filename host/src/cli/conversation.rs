//! A request that no official client sends, and what comes back.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::error::CliError;
use super::global::GlobalArgs;
use crate::wire::{self, Answer, FRAME_HEADER, FrameHeader};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// The port of an address that names none.
const PORT: u16 = 3000;
/// The longest frame that is taken in.
const MAX_FRAME: usize = 128 << 20;

/// One request on a connection of its own. Dropping it ends what it asked for.
pub struct Conversation {
    socket: TcpStream,
}

impl Conversation {
    /// Connects, and sends a request of these fields.
    pub async fn begin(global: &GlobalArgs, fields: &[(u8, &[u8])]) -> Result<Self, CliError> {
        let host = global.address();
        let failed = |reason: String| CliError::Connect {
            host: host.clone(),
            reason,
        };
        let connect = async {
            match host.contains(':') {
                true => TcpStream::connect(&host).await,
                false => TcpStream::connect((host.as_str(), PORT)).await,
            }
        };
        let mut socket = tokio::time::timeout(CONNECT, connect)
            .await
            .map_err(|_| failed("no answer".to_owned()))?
            .map_err(|e| failed(e.to_string()))?;
        let mut request = Vec::new();
        wire::push_request(&mut request, fields);
        socket.write_all(&request).await.map_err(went_away)?;
        Ok(Self { socket })
    }

    /// The messages of the next frame.
    pub async fn next(&mut self) -> Result<Vec<Answer>, CliError> {
        let mut header = [0; FRAME_HEADER];
        self.socket
            .read_exact(&mut header)
            .await
            .map_err(went_away)?;
        let header = FrameHeader::decode(header, MAX_FRAME).map_err(garbled)?;
        let mut body = Vec::new();
        let mut rest = (&mut self.socket).take(header.len as u64);
        let read = rest.read_to_end(&mut body).await.map_err(went_away)?;
        if read < header.len {
            return Err(went_away(std::io::ErrorKind::UnexpectedEof.into()));
        }
        wire::read_answers(&Bytes::from(body)).map_err(garbled)
    }
}

fn went_away(e: std::io::Error) -> CliError {
    CliError::Server {
        context: "the connection broke".to_owned(),
        message: e.to_string(),
        next: Some("the server went away; is it still running?".to_owned()),
    }
}

fn garbled(e: impl std::fmt::Display) -> CliError {
    CliError::Server {
        context: "the reply makes no sense".to_owned(),
        message: e.to_string(),
        next: Some("is the address that of a petrel host?".to_owned()),
    }
}
