//! The lines of one file, forward, in memory that is bounded.

use std::{fs::File, io, sync::Arc};

use crate::segments;

/// The longest line that is held in memory, in bytes. The lines of a log are
/// at most 64 KiB (promise A9); what is longer than this is told as too long.
pub(super) const LINE_LIMIT: usize = 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// One line, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Counted from 1; unknown if reading did not begin where the file does.
    pub(super) number: Option<u64>,
    /// Of its first byte in the file.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// `None` if it is longer than [`LINE_LIMIT`].
    pub(super) bytes: Option<&'a [u8]>,
}

/// Goes from line to line. At the end of the file it can be asked again
/// later: what has been appended by then is read.
#[derive(Debug)]
pub(super) struct LineReader {
    file: Arc<File>,
    buffer: Vec<u8>,
    /// Where in the file the end of `buffer` is.
    read_to: u64,
    /// Where in `buffer` the next line begins.
    start: usize,
    /// Up to where in `buffer` no newline was found.
    searched: usize,
    /// How many bytes of the next line were let go because it is too long.
    let_go: u64,
    /// How many lines were read, if that is known.
    lines: Option<u64>,
    current: Current,
}

/// Where the current line is.
#[derive(Debug, Clone, Copy, Default)]
struct Current {
    offset: u64,
    length: u64,
    start: usize,
    end: usize,
}

impl LineReader {
    /// Begins at `offset`, which is where a line begins.
    pub(super) fn new(file: Arc<File>, offset: u64) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            read_to: offset,
            start: 0,
            searched: 0,
            let_go: 0,
            lines: (offset == 0).then_some(0),
            current: Current::default(),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// How much of the file was read.
    pub(super) fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Goes to the next line that a newline ends; `false` if there is none yet.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            if let Some(found) = unsearched.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + found;
                self.take_line(end, end + 1);
                return Ok(true);
            }
            self.searched = self.buffer.len();
            if self.buffer.len() - self.start > LINE_LIMIT {
                self.let_go += (self.buffer.len() - self.start) as u64;
                self.start = self.buffer.len();
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Goes to what stands behind the last newline; `false` if nothing does.
    pub(super) fn advance_to_rest(&mut self) -> bool {
        let end = self.buffer.len();
        let is_some = self.let_go > 0 || end > self.start;
        if is_some {
            self.take_line(end, end);
        }
        is_some
    }

    /// The line that was gone to.
    pub(super) fn current(&self) -> Line<'_> {
        let Current {
            offset,
            length,
            start,
            end,
        } = self.current;
        Line {
            number: self.lines,
            offset,
            length,
            bytes: (length <= LINE_LIMIT as u64).then(|| &self.buffer[start..end]),
        }
    }

    fn take_line(&mut self, end: usize, next: usize) {
        let behind = (self.buffer.len() - self.start) as u64;
        self.current = Current {
            offset: self.read_to - behind - self.let_go,
            length: self.let_go + (end - self.start) as u64,
            start: self.start,
            end,
        };
        self.start = next;
        self.searched = next;
        self.let_go = 0;
        self.lines = self.lines.map(|lines| lines + 1);
    }

    /// Reads on; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let read = segments::read_at(&self.file, &mut self.buffer[filled..], self.read_to);
        let more = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(filled + more);
        self.read_to += more as u64;
        read.map(|read| read > 0)
    }
}
