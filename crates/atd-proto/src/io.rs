//! Frames over tokio's streams, for peers that need no buffering of their own.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::frame::{FrameDecoder, FrameError, encode_frame};

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameIoError {
    /// The bytes are not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The body of the next frame of `stream`, or `None` when it ended before one
/// began. `buffer` keeps what arrived beyond the frame: pass the same one on
/// each call, and the call may be dropped and made again without loss.
///
/// # Errors
/// [`FrameIoError::Frame`] for a frame over the limit or cut short by the end
/// of the stream, [`FrameIoError::Io`] when reading fails.
pub async fn read_frame<R: AsyncRead + Unpin>(
    stream: &mut R,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, FrameIoError> {
    let decoder = FrameDecoder::default();
    loop {
        if let Some(frame) = decoder.decode(buffer)? {
            return Ok(Some(frame));
        }
        if stream.read_buf(buffer).await? == 0 {
            decoder.finish(buffer)?;
            return Ok(None);
        }
    }
}

/// Writes one frame with this body and flushes.
///
/// # Errors
/// [`FrameIoError::Frame`] for a body over the limit (nothing is written),
/// [`FrameIoError::Io`] when writing fails.
pub async fn write_frame<W: AsyncWrite + Unpin>(
    stream: &mut W,
    body: &[u8],
) -> Result<(), FrameIoError> {
    let mut frame = Vec::with_capacity(body.len() + 4);
    encode_frame(&mut frame, |out| out.extend_from_slice(body))?;
    stream.write_all(&frame).await?;
    stream.flush().await?;
    Ok(())
}
