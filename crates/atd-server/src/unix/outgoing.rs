//! Answers that wait to be written.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

use crate::answer::Answer;
use crate::clock;

/// Answers that wait to be written, several to a write.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    frames: Vec<u8>,
    /// What belongs somewhere among the frames and is not copied there.
    shared: Option<Shared>,
    /// How many bytes are written, of both.
    written: usize,
    /// When the oldest of them began to wait.
    since: Option<Instant>,
    /// When the client last took something, while there is something to take.
    moved: Option<Instant>,
}

/// Bytes that others have too, and behind how many bytes of the frames they
/// stand.
#[derive(Debug)]
struct Shared {
    at: usize,
    bytes: Bytes,
}

/// So much may gather before it is written, and wait so long.
const ENOUGH: usize = 64 * 1024;
const LONG_ENOUGH: Duration = Duration::from_millis(2);

impl Outgoing {
    /// Adds the answer to the request with this id, where it had one.
    pub(super) fn push(&mut self, request_id: Option<u64>, answer: &Answer) {
        let since = *self.since.get_or_insert_with(clock::now);
        self.moved.get_or_insert(since);
        if self.shared.is_some() {
            return answer.encode_frame_to(request_id, &mut self.frames);
        }
        let shared = answer.encode_frame_around(request_id, &mut self.frames);
        self.shared = shared.map(|(at, bytes)| Shared { at, bytes });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        let shared = self.shared.as_ref().map_or(0, |it| it.bytes.len());
        self.frames.len() + shared - self.written
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

    /// What is to be written, with what is shared in its place.
    fn parts<'a>(&'a self, shared: &'a Shared) -> [IoSlice<'a>; 3] {
        let (before, behind) = self.frames.split_at(shared.at);
        let mut written = self.written;
        [before, &shared.bytes, behind].map(|part| {
            let of_it = written.min(part.len());
            written -= of_it;
            IoSlice::new(&part[of_it..])
        })
    }

    /// So many bytes more are written.
    fn count(&mut self, written: usize) {
        self.written += written;
        let is_past = |it: &mut Shared| self.written >= it.at + it.bytes.len();
        if let Some(past) = self.shared.take_if(is_past) {
            self.written -= past.bytes.len();
        }
    }

    /// Whether the socket took something.
    fn write_now(&mut self, stream: &UnixStream) -> io::Result<bool> {
        let wrote = match &self.shared {
            None => stream.try_write(&self.frames[self.written..]),
            Some(shared) => stream.try_write_vectored(&self.parts(shared)),
        };
        match wrote {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => self.count(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        if self.is_empty() {
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
            if self.written >= ENOUGH && self.shared.is_none() {
                self.frames.drain(..self.written);
                self.written = 0;
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use atd_proto::Response;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn list(length: usize) -> Answer {
        let text = format!(r#"{{"tools":"{}"}}"#, "x".repeat(length));
        Answer::encoded(text.into())
    }

    /// However little the client takes at a time, and wherever what is shared
    /// stands among the answers.
    #[tokio::test]
    async fn what_is_shared_is_written_in_its_place() {
        let pong = || Answer::from(Response::Pong);
        let batches = [
            vec![(None, list(700_000))],
            vec![(None, pong()), (Some(1), list(300_000)), (Some(2), pong())],
            vec![
                (Some(3), list(20_000)),
                (None, list(900_000)),
                (None, pong()),
            ],
            vec![(None, pong()), (None, pong())],
        ];
        let (client, mut reader) = UnixStream::pair().unwrap();
        let (mut outgoing, mut expected) = (Outgoing::default(), Vec::new());
        for (id, answer) in batches.iter().flatten() {
            answer.encode_frame_to(*id, &mut expected);
        }
        let reading = tokio::spawn(async move {
            let (mut all, mut piece) = (Vec::new(), [0; 7_001]);
            while let Ok(count @ 1..) = reader.read(&mut piece).await {
                all.extend_from_slice(&piece[..count]);
            }
            all
        });
        for batch in batches {
            for (id, answer) in &batch {
                outgoing.push(*id, answer);
            }
            outgoing
                .flush(&client, Duration::from_secs(60))
                .await
                .unwrap();
            assert_eq!((outgoing.len(), outgoing.is_full()), (0, false));
        }
        drop(client);
        assert!(reading.await.unwrap() == expected);
    }
}
