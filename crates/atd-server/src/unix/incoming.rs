//! What arrives.

use std::io;
use std::time::Duration;

use atd_proto::{ErrorBody, ErrorCode, FrameDecoder, FrameError};
use bytes::{Bytes, BytesMut};
use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::clock;

/// How much is read at once.
const READ: usize = 8 * 1024;

/// Bytes that have arrived and are not yet answered.
#[derive(Default)]
pub(super) struct Incoming {
    buffer: BytesMut,
    /// The client has said that it sends no more.
    pub(super) ended: bool,
    /// When the frame that has begun must be whole.
    deadline: Option<Instant>,
}

impl Incoming {
    /// Whether nothing has arrived that is not taken, and more may.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && !self.ended
    }

    /// The next frame that has arrived whole.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, ErrorBody> {
        let frame = FrameDecoder::default()
            .decode(&mut self.buffer)
            .map_err(|error| ErrorBody::new(ErrorCode::FRAME_TOO_LARGE, error.to_string()))?;
        if frame.is_some() || self.buffer.is_empty() {
            self.deadline = None;
        }
        if frame.is_none() {
            self.let_go();
        }
        Ok(frame)
    }

    /// An idle connection holds no buffer.
    fn let_go(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// The client sends no more: was that between frames?
    pub(super) fn finish(&self) -> Result<(), ErrorBody> {
        FrameDecoder::default()
            .finish(&self.buffer)
            .map_err(|error: FrameError| ErrorBody::new(ErrorCode::BAD_REQUEST, error.to_string()))
    }

    /// When the frame that has begun must be whole, if one has.
    pub(super) fn deadline(&mut self, allowed: Duration) -> Option<Instant> {
        if self.buffer.is_empty() {
            return None;
        }
        Some(*self.deadline.get_or_insert_with(|| clock::now() + allowed))
    }

    /// Nothing is read now: time does not count against the client.
    pub(super) fn pause(&mut self) {
        self.deadline = None;
    }

    /// Takes in what has arrived already, and says how much that was.
    pub(super) fn read_now(&mut self, stream: &UnixStream) -> io::Result<usize> {
        self.buffer.reserve(READ);
        match stream.try_read_buf(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.let_go();
                Ok(0)
            }
            read => read,
        }
    }

    /// Takes in what has arrived, waiting until something has. Dropped, it has
    /// taken nothing.
    pub(super) async fn read(&mut self, stream: &UnixStream) -> io::Result<()> {
        loop {
            stream.readable().await?;
            self.buffer.reserve(READ);
            match stream.try_read_buf(&mut self.buffer) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.let_go(),
                Err(error) => return Err(error),
            }
        }
    }
}
