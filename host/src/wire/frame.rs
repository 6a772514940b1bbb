//! Frames: the 8-byte header before everything that goes over a connection.

/// Bytes of a frame header.
pub const FRAME_HEADER: usize = 8;
/// The protocol version of frame headers.
pub const VERSION: u8 = 2;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Lines of info commands.
    Info = 1,
    /// Login and user administration.
    Security = 2,
    /// A message: a request or its reply.
    Message = 3,
    /// A message, compressed with zlib.
    Compressed = 4,
}

/// A decoded frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What follows.
    pub kind: FrameKind,
    /// How many bytes follow.
    pub len: usize,
}

/// Why a frame was refused; the connection cannot be used further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not this protocol.
    #[error("frame version {0} is not 2: the peer does not speak this protocol, or uses TLS")]
    Version(u8),
    /// A type that no client sends.
    #[error("frame type {0} is unknown")]
    Kind(u8),
    /// Longer than the limit.
    #[error(
        "a frame of {len} bytes is over the limit of {max}; raise max-frame-bytes or send less"
    )]
    TooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
}

impl FrameHeader {
    /// Decodes a header: version, type, 48-bit big-endian length.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(bytes: [u8; FRAME_HEADER], max: usize) -> Result<Self, FrameError> {
        let [version, kind, len @ ..] = bytes;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let kind = match kind {
            1 => FrameKind::Info,
            2 => FrameKind::Security,
            3 => FrameKind::Message,
            4 => FrameKind::Compressed,
            other => return Err(FrameError::Kind(other)),
        };
        let len = len.iter().fold(0, |n, b| n << 8 | usize::from(*b));
        if len > max {
            return Err(FrameError::TooLarge { len, max });
        }
        Ok(Self { kind, len })
    }
}

/// Appends a frame header whose length [`end_frame`] fills in; returns where it starts.
pub fn begin_frame(out: &mut Vec<u8>, kind: FrameKind) -> usize {
    let at = out.len();
    out.extend_from_slice(&[VERSION, kind as u8, 0, 0, 0, 0, 0, 0]);
    at
}

/// Fills in the length of the frame that started at `at` and ends here.
pub fn end_frame(out: &mut [u8], at: usize) {
    let len = (out.len() - at - FRAME_HEADER) as u64;
    out[at + 2..at + FRAME_HEADER].copy_from_slice(&len.to_be_bytes()[2..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_round_trips() {
        let mut out = vec![9];
        let at = begin_frame(&mut out, FrameKind::Message);
        out.extend_from_slice(&[0; 300]);
        end_frame(&mut out, at);
        let header = FrameHeader::decode(out[1..9].try_into().unwrap(), 1000);
        let expected = FrameHeader {
            kind: FrameKind::Message,
            len: 300,
        };
        assert_eq!(header, Ok(expected));
    }

    #[test]
    fn foreign_and_oversized_headers_are_refused() {
        let decode = |bytes| FrameHeader::decode(bytes, 1 << 27);
        assert_eq!(decode(*b"GET / HT"), Err(FrameError::Version(b'G')));
        assert_eq!(decode([2, 9, 0, 0, 0, 0, 0, 0]), Err(FrameError::Kind(9)));
        assert_eq!(
            decode([2, 3, 0xFF, 0, 0, 0, 0, 0]),
            Err(FrameError::TooLarge {
                len: 0xFF << 40,
                max: 1 << 27
            })
        );
    }
}
