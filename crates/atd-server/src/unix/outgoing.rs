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
    /// When the client last took something, while there is something to take.
    moved: Option<Instant>,
}

/// So much may gather before it is written, and wait so long.
const ENOUGH: usize = 64 * 1024;
const LONG_ENOUGH: Duration = Duration::from_millis(2);

impl Outgoing {
    /// Adds the answer to the request with this id, where it had one.
    pub(super) fn push(&mut self, request_id: Option<u64>, answer: &Answer) {
        let since = *self.since.get_or_insert_with(clock::now);
        self.moved.get_or_insert(since);
        answer.encode_frame_to(request_id, &mut self.frames);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.frames.len() - self.written
    }

    /// Whether there is so much that no more should be made before it goes.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= ENOUGH
    }

    /// When a client that takes nothing has had its time.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.moved.map(|moved| moved + patience)
    }

    /// Whether there is so much, or waits so long, that it should go before
    /// more is made. What takes long, a call, a list or a hello, reads the
    /// clock at its end.
    pub(super) fn is_enough(&self) -> bool {
        let waits_long = |since| clock::latest().saturating_duration_since(since) >= LONG_ENOUGH;
        self.is_full() || self.since.is_some_and(waits_long)
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

    /// Writes what the socket takes at once.
    pub(super) fn try_write(&mut self, stream: &UnixStream) -> io::Result<()> {
        while !self.is_empty() && self.write_now(stream)? {}
        Ok(())
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
            self.moved = None;
            if self.frames.capacity() > ENOUGH {
                self.frames = Vec::new();
            } else {
                self.frames.clear();
            }
        } else {
            self.moved = Some(clock::now());
            if self.written >= ENOUGH {
                self.frames.drain(..self.written);
                self.written = 0;
            }
        }
        Ok(true)
    }
}
