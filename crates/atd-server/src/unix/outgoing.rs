//! Answers that wait to be written.

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

use crate::answer::Answer;
use crate::clock;

/// Answers that wait to be written, several to a write.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    frames: Vec<u8>,
    written: usize,
    /// When the oldest of them began to wait.
    since: Option<Instant>,
}

/// So much may gather before it is written, and wait so long.
const ENOUGH: usize = 64 * 1024;
const LONG_ENOUGH: Duration = Duration::from_millis(2);

impl Outgoing {
    pub(super) fn push(&mut self, answer: &Answer) {
        self.since.get_or_insert_with(clock::now);
        answer.encode_frame(&mut self.frames);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether there is so much, or waits so long, that it should go before
    /// more is made.
    pub(super) fn is_enough(&self) -> bool {
        self.frames.len() - self.written >= ENOUGH
            || self
                .since
                .is_some_and(|since| clock::now() - since >= LONG_ENOUGH)
    }

    /// Writes as much as the socket takes, waiting until it takes some.
    /// Dropped, it has written nothing.
    pub(super) async fn write_some(&mut self, stream: &UnixStream) -> io::Result<()> {
        loop {
            stream.writable().await?;
            if self.write_now(stream)? {
                return Ok(());
            }
        }
    }

    /// Writes everything.
    ///
    /// # Errors
    /// `TimedOut` when the client reads nothing for that long.
    pub(super) async fn flush(
        &mut self,
        stream: &UnixStream,
        patience: Duration,
    ) -> io::Result<()> {
        while !self.is_empty() {
            if !self.write_now(stream)? {
                timeout(patience, self.write_some(stream)).await??;
            }
        }
        Ok(())
    }

    /// Writes what the socket takes at once, and gives up the rest.
    pub(super) fn try_write(mut self, stream: &UnixStream) {
        while !self.is_empty() && matches!(self.write_now(stream), Ok(true)) {}
    }

    /// Whether the socket took something.
    fn write_now(&mut self, stream: &UnixStream) -> io::Result<bool> {
        match stream.try_write(&self.frames[self.written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => self.written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        if self.written == self.frames.len() {
            self.written = 0;
            self.since = None;
            if self.frames.capacity() > ENOUGH {
                self.frames = Vec::new();
            } else {
                self.frames.clear();
            }
        } else if self.written >= ENOUGH {
            self.frames.drain(..self.written);
            self.written = 0;
        }
        Ok(true)
    }
}
