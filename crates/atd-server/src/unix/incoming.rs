//! What arrives.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use atd_proto::{ErrorBody, ErrorCode, FrameDecoder, FrameError};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::ReadHalf;
use tokio::task::consume_budget;
use tokio::time::Instant;

use super::calls::poll_once;
use crate::clock;

/// How much is read at once of a client that sends little: one call, mostly.
const LITTLE: usize = 1000;

/// How much is read at once of a client that sends much.
const MUCH: usize = 64 * 1024;

/// Bytes that have arrived and are not yet answered.
pub(super) struct Incoming {
    buffer: BytesMut,
    /// How much to read at once: it follows how much there is.
    room: usize,
    /// The client has said that it sends no more.
    pub(super) ended: bool,
    /// When the frame that has begun must be whole.
    deadline: Option<Instant>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            room: LITTLE,
            ended: false,
            deadline: None,
        }
    }
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
        self.buffer.reserve(self.room);
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
    pub(super) async fn read(&mut self, mut stream: ReadHalf<'_>) -> io::Result<()> {
        let (read, room) = loop {
            // Nothing is held while nothing comes.
            poll_fn(|context| stream.as_ref().poll_read_ready(context)).await?;
            self.buffer.reserve(self.room);
            let room = self.buffer.capacity() - self.buffer.len();
            // Unlike `try_read`, this knows that a buffer which is not filled has
            // all there was, and does not ask the system again.
            match poll_once(pin!(stream.read_buf(&mut self.buffer))).await {
                Poll::Ready(read) => break (read?, room),
                Poll::Pending => self.let_go(),
            }
            // There was nothing after all, or this task has had its share.
            consume_budget().await;
        };
        self.ended = read == 0;
        self.room = match read == room {
            true => MUCH.min(room * 4),
            false => LITTLE.max((read * 2).min(self.room)),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn an_idle_connection_holds_no_buffer_whatever_the_length_of_what_came() {
        let (mut client, mut stream) = UnixStream::pair().unwrap();
        let mut incoming = Incoming::default();
        // A frame that fills what is read at once to the last byte.
        let mut frame = vec![b' '; LITTLE];
        frame[..4].copy_from_slice(&u32::try_from(LITTLE - 4).unwrap().to_be_bytes());
        client.write_all(&frame).await.unwrap();
        incoming.read(stream.split().0).await.unwrap();
        assert!(incoming.next_frame().unwrap().is_some());
        assert!(incoming.next_frame().unwrap().is_none());
        assert!(
            poll_once(pin!(incoming.read(stream.split().0)))
                .await
                .is_pending()
        );
        assert_eq!(incoming.buffer.capacity(), 0);
    }
}
