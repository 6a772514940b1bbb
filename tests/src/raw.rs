//! Frames as bytes, for what no client would send.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// Frame type of an info request.
pub const INFO: u8 = 1;
/// Frame type of a message.
pub const MESSAGE: u8 = 3;

/// A frame: version, type, 48-bit length, then the body.
pub fn frame(version: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = header(version, kind, body.len() as u64);
    bytes.extend_from_slice(body);
    bytes
}

/// A frame's header alone, with whatever length it is to claim.
pub fn header(version: u8, kind: u8, length: u64) -> Vec<u8> {
    let mut bytes = length.to_be_bytes().to_vec();
    bytes[0] = version;
    bytes[1] = kind;
    bytes
}

/// A message: the 22-byte header with its flag bytes, then fields and operations.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// First flag byte (1 read, 2 all bins, ...).
    pub info1: u8,
    /// Second flag byte (1 write, 2 delete, ...).
    pub info2: u8,
    /// Third flag byte.
    pub info3: u8,
    /// Fields: type and bytes.
    pub fields: Vec<(u8, Vec<u8>)>,
    /// Operations: the bytes after each one's length.
    pub operations: Vec<Vec<u8>>,
}

impl Message {
    /// A read of all bins of the record under an integer key in `test.users`.
    pub fn read(id: i64) -> Self {
        let mut key = vec![1];
        key.extend_from_slice(&id.to_be_bytes());
        Self {
            info1: 3,
            fields: vec![
                (0, b"test".to_vec()),
                (1, b"users".to_vec()),
                (2, key.clone()),
                (4, crate::users::key(id).digest().to_vec()),
            ],
            ..Self::default()
        }
    }

    /// The same message with one more field.
    pub fn with(mut self, kind: u8, data: impl Into<Vec<u8>>) -> Self {
        self.fields.push((kind, data.into()));
        self
    }

    /// The message's bytes, without the frame around them.
    pub fn body(&self) -> Vec<u8> {
        let mut body = vec![22, self.info1, self.info2, self.info3, 0, 0];
        body.extend_from_slice(&[0; 12]);
        body.extend_from_slice(&(self.fields.len() as u16).to_be_bytes());
        body.extend_from_slice(&(self.operations.len() as u16).to_be_bytes());
        for (kind, data) in &self.fields {
            body.extend_from_slice(&(data.len() as u32 + 1).to_be_bytes());
            body.push(*kind);
            body.extend_from_slice(data);
        }
        for operation in &self.operations {
            body.extend_from_slice(&(operation.len() as u32).to_be_bytes());
            body.extend_from_slice(operation);
        }
        body
    }

    /// The message in its frame.
    pub fn frame(&self) -> Vec<u8> {
        frame(2, MESSAGE, &self.body())
    }
}

/// A connection that sends bytes and reads frames.
#[derive(Debug)]
pub struct Wire(TcpStream);

impl Wire {
    /// Connects; reads and writes give up after 10 s.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("the host does not accept")?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.set_write_timeout(Some(Duration::from_secs(10)))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// Says that nothing more will be sent; answers can still be read.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.0.shutdown(Shutdown::Write)?)
    }

    /// Reads one frame: its type and its body.
    pub fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut header = [0; 8];
        self.0.read_exact(&mut header).context("no answer")?;
        let kind = header[1];
        ensure!(header[0] == 2, "an answer of version {}", header[0]);
        header[..2].fill(0);
        let length = u64::from_be_bytes(header);
        ensure!(length <= 128 << 20, "an answer of {length} bytes");
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).context("the answer was cut")?;
        Ok((kind, body))
    }

    /// Whether the host closes the connection instead of answering (an answer that comes
    /// before the end is read and dropped).
    pub fn is_closed_by_host(&mut self) -> Result<bool> {
        let mut sink = [0; 4096];
        loop {
            match self.0.read(&mut sink) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return Ok(true),
                Err(e)
                    if matches!(
                        e.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    return Ok(false);
                }
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Sends a message and gives the result code of the answer.
    pub fn ask(&mut self, message: &Message) -> Result<u8> {
        self.send(&message.frame())?;
        let (kind, body) = self.receive()?;
        ensure!(kind == MESSAGE, "an answer of type {kind}");
        body.get(5)
            .copied()
            .context("an answer without a result code")
    }
}

/// Asks one info command and gives the answer's value.
pub fn info(address: SocketAddr, command: &str) -> Result<String> {
    let mut wire = Wire::open(address)?;
    wire.send(&frame(2, INFO, format!("{command}\n").as_bytes()))?;
    let (kind, body) = wire.receive()?;
    ensure!(kind == INFO, "an answer of type {kind}");
    let text = String::from_utf8(body)?;
    let line = text.trim_end_matches('\n');
    Ok(line
        .split_once('\t')
        .map_or_else(String::new, |(_, value)| value.to_owned()))
}
