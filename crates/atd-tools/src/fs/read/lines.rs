//! A stream of lines that keeps count.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use crate::fs::patience::Patience;

/// How much is read from the file at a time.
const BUFFER: usize = 64 * 1024;

/// A stream of lines, with a count of those that it went past.
pub(super) struct Lines<'a, R> {
    input: BufReader<R>,
    patience: &'a Patience<'a>,
    /// How many bytes it went past since it last asked whether to go on.
    unasked: usize,
    /// How many line ends it went past.
    ended: u64,
    /// Whether anything came after the last of them.
    begun: bool,
}

/// Where a walk along the lines came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// What it set out for.
    Goal,
    /// The end of the file.
    End,
    /// Neither: it was given up.
    GivenUp,
}

impl<'a, R: Read> Lines<'a, R> {
    pub(super) fn new(input: R, patience: &'a Patience<'a>) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            patience,
            unasked: BUFFER,
            ended: 0,
            begun: false,
        }
    }

    /// How many lines it went past, the one that it stands in included.
    pub(super) fn count(&self) -> u64 {
        self.ended + u64::from(self.begun)
    }

    /// Goes past `ends` line ends, and gives up when patience is over or some
    /// `bytes` have gone by.
    pub(super) fn skip(&mut self, ends: u64, bytes: u64) -> io::Result<Reached> {
        let (mut ends, mut bytes) = (ends, bytes);
        while ends > 0 {
            if self.is_given_up() {
                return Ok(Reached::GivenUp);
            }
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            if buffer.is_empty() {
                return Ok(Reached::End);
            }
            if bytes == 0 {
                return Ok(Reached::GivenUp);
            }
            let newlines = buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
            let past = if newlines < ends {
                buffer.len()
            } else {
                after_newline(buffer, ends)
            };
            self.begun = !buffer[..past].ends_with(b"\n");
            self.ended += newlines.min(ends);
            ends -= newlines.min(ends);
            self.input.consume(past);
            self.unasked += past;
            bytes = bytes.saturating_sub(past as u64);
        }
        Ok(Reached::Goal)
    }

    /// Reads a line into `line`, without its end. Of a line that is longer
    /// than `most` bytes it takes more than `most`, a few, and stays inside it.
    pub(super) fn read(&mut self, line: &mut Vec<u8>, most: usize) -> io::Result<Reached> {
        line.clear();
        if self.is_given_up() {
            return Ok(Reached::GivenUp);
        }
        // Room for the end of a line that is just as long as it may be.
        let room = (most as u64).saturating_add(2);
        (&mut self.input).take(room).read_until(b'\n', line)?;
        if line.is_empty() {
            return Ok(Reached::End);
        }
        self.unasked += line.len();
        self.begun = line.pop_if(|last| *last == b'\n').is_none();
        if !self.begun {
            self.ended += 1;
            line.pop_if(|last| *last == b'\r');
        }
        Ok(Reached::Goal)
    }

    /// Whether to stop here. Asks at the start and once a buffer.
    fn is_given_up(&mut self) -> bool {
        if self.unasked < BUFFER {
            return false;
        }
        self.unasked = 0;
        self.patience.is_over()
    }
}

/// Where the rest of `buffer` begins after its `nth` newline, counted from 1.
fn after_newline(buffer: &[u8], nth: u64) -> usize {
    let mut left = nth;
    let last = buffer.iter().position(|byte| {
        left -= u64::from(*byte == b'\n');
        left == 0
    });
    last.map_or(buffer.len(), |last| last + 1)
}
