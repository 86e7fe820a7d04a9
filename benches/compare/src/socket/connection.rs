//! One connection with no more around it than it needs, the same for all
//! servers: bytes that are sent, and bytes that should come back.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::echo;

/// A request's frame and its answer's.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

/// A connection, and how far into an answer it has read.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    into_answer: usize,
}

impl Connection {
    /// Connects and says hello.
    pub(super) fn open(socket: &Path) -> Result<Self> {
        let mut connection = Self::begin(socket, &frame(&echo::hello())?)?;
        connection.receive()?;
        Ok(connection)
    }

    /// Connects and sends these frames, and waits for nothing.
    pub(super) fn begin(socket: &Path, requests: &[u8]) -> Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(requests)?;
        Ok(Self {
            stream,
            into_answer: 0,
        })
    }

    /// Sends this frame and reads one.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(request)?;
        self.receive()
    }

    /// Reads one frame.
    pub(super) fn receive(&mut self) -> Result<Vec<u8>> {
        let mut answer = vec![0; 4];
        self.stream.read_exact(&mut answer)?;
        let length = u32::from_be_bytes(answer[..].try_into()?) as usize;
        answer.resize(4 + length, 0);
        self.stream.read_exact(&mut answer[4..])?;
        Ok(answer)
    }

    /// Learns what this request is answered with, for all that come after.
    pub(super) fn learn(&mut self, request: &Value) -> Result<Exchange> {
        let request = frame(request)?;
        let answer = self.ask(&request)?;
        Ok(Exchange { request, answer })
    }

    pub(super) fn do_not_wait(&self) -> Result<()> {
        Ok(self.stream.set_nonblocking(true)?)
    }

    /// Sends these frames. They are few enough for the system to take all.
    pub(super) fn send(&mut self, requests: &[u8]) -> Result<()> {
        let sent = self.stream.write_all(requests);
        sent.context("the requests could not be sent at once")
    }

    /// Reads once, and says how many answers that completes. Each byte is
    /// compared with what should come.
    pub(super) fn answers(&mut self, exchange: &Exchange, buffer: &mut [u8]) -> Result<u64> {
        let read = match self.stream.read(buffer) {
            Ok(0) => bail!("the server has closed the connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let (mut rest, mut answers) = (&buffer[..read], 0);
        while !rest.is_empty() {
            let expected = &exchange.answer[self.into_answer..];
            let length = expected.len().min(rest.len());
            let (part, after) = rest.split_at(length);
            ensure!(part == &expected[..length], "another answer than the first");
            rest = after;
            self.into_answer += length;
            if self.into_answer == exchange.answer.len() {
                self.into_answer = 0;
                answers += 1;
            }
        }
        Ok(answers)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// A frame with this body.
pub(super) fn frame(body: &Value) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(body)?;
    let length = u32::try_from(body.len())?;
    Ok([&length.to_be_bytes()[..], &body].concat())
}

/// What a frame holds.
pub(super) fn body(frame: &[u8]) -> Result<Value> {
    let body = frame.get(4..).context("no whole frame")?;
    Ok(serde_json::from_slice(body)?)
}
