//! Lines on their way to the writer.

use std::mem;

#[cfg(feature = "chain")]
use super::line;
#[cfg(feature = "chain")]
use crate::chain::BlocksHash;

/// A line's buffer that is larger than this is not kept for another line.
const LARGE: usize = 4 * 1024;

/// A line with its newline, and what the thread that reports it has hashed of
/// it, if it has.
#[derive(Default)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    #[cfg(feature = "chain")]
    pub(super) hash: Option<BlocksHash>,
}

/// Lines, each in the buffer that it was made in.
///
/// A line goes in and out in exchange for a buffer that is free. So its bytes
/// are written and read without the queue's lock, and nothing is allocated. A
/// pointer is all that is exchanged: threads hand over little while others wait.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "they are exchanged one by one")]
pub(super) struct Lines {
    buffers: Vec<Box<Line>>,
    /// How many of them hold a line; the others are free.
    filled: usize,
}

impl Line {
    /// A line that no thread has hashed anything of.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            #[cfg(feature = "chain")]
            hash: None,
        }
    }

    /// Hashes what the thread that reports it can of it.
    #[cfg(feature = "chain")]
    pub(super) fn hash_blocks(&mut self) {
        self.hash = Some(BlocksHash::of(line::fields_of(&self.bytes)));
    }

    /// Makes it empty.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        #[cfg(feature = "chain")]
        {
            self.hash = None;
        }
    }
}

impl Lines {
    /// Takes `line`, and leaves a buffer for another one in its place.
    pub(super) fn push(&mut self, line: &mut Box<Line>) {
        match self.buffers.get_mut(self.filled) {
            Some(free) => mem::swap(free, line),
            None => self.buffers.push(mem::take(line)),
        }
        self.filled += 1;
    }

    pub(super) fn as_slice(&self) -> &[Box<Line>] {
        &self.buffers[..self.filled]
    }

    pub(super) fn len(&self) -> u64 {
        self.filled as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Makes it empty, and keeps the buffers that are worth it.
    pub(super) fn clear(&mut self) {
        for line in &mut self.buffers[..self.filled] {
            if line.bytes.capacity() > LARGE {
                line.bytes = Vec::new();
            }
            line.clear();
        }
        self.filled = 0;
    }
}
