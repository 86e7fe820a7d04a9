//! The frame codec: a 4-byte big-endian length, then that many bytes.

use bytes::{Buf, Bytes, BytesMut};

/// The longest body a frame may have, in bytes, itself allowed: 10 MiB.
pub const MAX_FRAME_BODY: usize = 10 * 1024 * 1024;

const PREFIX: usize = 4;

/// Why bytes are not a frame, or cannot become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The body is longer than the limit.
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length announced by the prefix, or of the body to be sent.
        length: usize,
        /// The longest body allowed.
        limit: usize,
    },
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame, after {got} of {expected} bytes")]
    Truncated {
        /// Bytes that arrived, the prefix included.
        got: usize,
        /// Bytes of the whole frame, prefix included, as far as it is known.
        expected: usize,
    },
}

/// Takes frames from the front of a buffer that somebody else fills.
///
/// It never reserves memory for a length that was only announced: what a peer
/// makes it hold is what the peer has sent.
#[derive(Clone, Copy, Debug)]
pub struct FrameDecoder {
    limit: usize,
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self {
            limit: MAX_FRAME_BODY,
        }
    }
}

impl FrameDecoder {
    /// A decoder that refuses bodies longer than `limit` bytes, at most
    /// [`MAX_FRAME_BODY`].
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit: limit.min(MAX_FRAME_BODY),
        }
    }

    /// The body of the next frame, taken off `buffer` without a copy, or
    /// `None` while it is not whole.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] as soon as the prefix is there. The buffer is
    /// left as it is: there is no way to find the next frame.
    pub fn decode(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(length) = announced(buffer) else {
            return Ok(None);
        };
        if length > self.limit {
            return Err(FrameError::TooLarge {
                length,
                limit: self.limit,
            });
        }
        if buffer.len() - PREFIX < length {
            return Ok(None);
        }
        buffer.advance(PREFIX);
        Ok(Some(buffer.split_to(length).freeze()))
    }

    /// Whether the stream may end here, with `buffer` left over after
    /// [`decode`](Self::decode) gave `None`.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] when part of a frame is left.
    pub fn finish(&self, buffer: &BytesMut) -> Result<(), FrameError> {
        if buffer.is_empty() {
            return Ok(());
        }
        Err(FrameError::Truncated {
            got: buffer.len(),
            expected: PREFIX + announced(buffer).unwrap_or(0),
        })
    }
}

/// Appends one frame to `out`, whose body is what `write_body` appends.
///
/// # Errors
/// [`FrameError::TooLarge`] when the body is over [`MAX_FRAME_BODY`]; `out` is
/// then as it was before.
pub fn encode_frame(
    out: &mut Vec<u8>,
    write_body: impl FnOnce(&mut Vec<u8>),
) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    write_body(out);
    let length = out.len() - start - PREFIX;
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME_BODY => {
            out[start..start + PREFIX].copy_from_slice(&prefix.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(FrameError::TooLarge {
                length,
                limit: MAX_FRAME_BODY,
            })
        }
    }
}

fn announced(buffer: &[u8]) -> Option<usize> {
    let prefix = buffer.first_chunk::<PREFIX>()?;
    usize::try_from(u32::from_be_bytes(*prefix)).ok()
}
