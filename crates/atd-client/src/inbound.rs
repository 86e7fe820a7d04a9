//! What arrives.

use std::io;

use atd_proto::{FrameDecoder, FrameError};
use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncReadExt, net::unix::OwnedReadHalf};

/// Room that is made for one read, in bytes.
const ROOM: usize = 16 * 1024;

/// Room that is still enough for one.
const ENOUGH: usize = 2 * 1024;

/// The reading half of the socket, and what has arrived of the next frames.
pub(crate) struct Inbound {
    reader: OwnedReadHalf,
    buffer: BytesMut,
    decoder: FrameDecoder,
}

impl Inbound {
    pub(crate) fn new(reader: OwnedReadHalf, max_answer: usize) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
            decoder: FrameDecoder::with_limit(max_answer),
        }
    }

    /// Waits for bytes and takes as many as there are. Says how many, 0 at the
    /// end of the stream. May be dropped: bytes not taken stay in the socket.
    pub(crate) async fn read(&mut self) -> io::Result<usize> {
        if self.buffer.capacity() - self.buffer.len() < ENOUGH {
            self.buffer.reserve(ROOM);
        }
        self.reader.read_buf(&mut self.buffer).await
    }

    /// The next frame, if it is whole.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let frame = self.decoder.decode(&mut self.buffer)?;
        // The rest of a block that one long frame needed is not kept for good.
        if self.buffer.is_empty() && self.buffer.capacity() > 2 * ROOM {
            self.buffer = BytesMut::new();
        }
        Ok(frame)
    }

    /// Whether the stream may end here.
    pub(crate) fn finish(&self) -> Result<(), FrameError> {
        self.decoder.finish(&self.buffer)
    }
}
