//! Compressed messages.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::ZlibDecoder;

use super::frame::{FRAME_HEADER, FrameHeader, FrameKind};
use super::message::bad;
use crate::model::Result;

/// The body of a compressed frame begins with the inflated size, 8 bytes big-endian.
const SIZE: usize = 8;

/// Inflates a compressed frame's body into the body of the message frame inside.
///
/// # Errors
/// When it is no zlib stream, is not what it announces, or inflates to more than `max` bytes.
pub fn inflate(body: &[u8], max: usize) -> Result<Bytes> {
    let (size, packed) = body
        .split_first_chunk::<SIZE>()
        .ok_or_else(|| bad("the compressed frame has no size"))?;
    let size = u64::from_be_bytes(*size);
    if size > (max + FRAME_HEADER) as u64 {
        return Err(bad(format!(
            "the frame inflates to {size} bytes and the limit is {max}"
        )));
    }
    // Memory grows with what comes out, not with what the client announces.
    let mut inflated = Vec::new();
    let read = ZlibDecoder::new(packed)
        .take(size)
        .read_to_end(&mut inflated)
        .map_err(|e| bad(format!("the compressed frame does not inflate: {e}")))?;
    let header = inflated
        .first_chunk::<FRAME_HEADER>()
        .and_then(|h| FrameHeader::decode(*h, max).ok())
        .filter(|h| h.kind == FrameKind::Message && h.len + FRAME_HEADER == read);
    match header {
        Some(_) => Ok(Bytes::from(inflated).slice(FRAME_HEADER..)),
        None => Err(bad("the compressed frame does not hold one whole message")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::frame::{begin_frame, end_frame};
    use super::*;

    fn packed(body: &[u8], announced: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        let at = begin_frame(&mut frame, FrameKind::Message);
        frame.extend_from_slice(body);
        end_frame(&mut frame, at);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&frame).unwrap();
        let mut out = ((announced + FRAME_HEADER) as u64).to_be_bytes().to_vec();
        out.extend(zlib.finish().unwrap());
        out
    }

    #[test]
    fn a_compressed_message_is_read() {
        let body = [7; 1000];
        assert_eq!(inflate(&packed(&body, 1000), 1 << 20).unwrap(), &body[..]);
    }

    #[test]
    fn sizes_that_lie_and_bombs_are_refused() {
        let body = [7; 1000];
        assert!(inflate(&packed(&body, 10), 1 << 20).is_err());
        assert!(inflate(&packed(&body, 2000), 1 << 20).is_ok_and(|b| b.len() == 1000));
        assert!(inflate(&packed(&[0; 100_000], 100_000), 1000).is_err());
        assert!(inflate(&[0; 20], 1000).is_err());
        assert!(inflate(&[], 1000).is_err());
    }
}
