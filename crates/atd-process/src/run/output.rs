//! What is kept of a program's output while it streams.

use std::collections::VecDeque;

use crate::error::ProgramError;

/// The first of what is written, up to a limit.
pub(super) struct Kept {
    bytes: Vec<u8>,
    limit: usize,
    left_out: u64,
    /// Whether what is over the limit is left out, rather than being an error.
    cut: bool,
}

impl Kept {
    pub(super) fn new(limit: usize, cut: bool) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            left_out: 0,
            cut,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), ProgramError> {
        let room = self.limit - self.bytes.len();
        let (fits, over) = chunk.split_at(chunk.len().min(room));
        if !over.is_empty() && !self.cut {
            return Err(ProgramError::OutputTooLarge { limit: self.limit });
        }
        // Grown by doubling, but never beyond the limit.
        let needed = self.bytes.len() + fits.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(2 * self.bytes.capacity()).min(self.limit);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(fits);
        self.left_out += over.len() as u64;
        Ok(())
    }

    pub(super) fn into_parts(self) -> (Vec<u8>, u64) {
        (self.bytes, self.left_out)
    }
}

/// The last of what is written.
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
    left_out: u64,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            limit,
            left_out: 0,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) {
        let (before, last) = chunk.split_at(chunk.len().saturating_sub(self.limit));
        let old = (self.bytes.len() + last.len()).saturating_sub(self.limit);
        self.bytes.drain(..old);
        self.bytes.extend(last);
        self.left_out += (old + before.len()) as u64;
    }

    pub(super) fn into_parts(self) -> (Vec<u8>, u64) {
        (self.bytes.into(), self.left_out)
    }
}
