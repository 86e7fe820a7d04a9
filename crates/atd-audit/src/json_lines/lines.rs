//! Lines on their way to the writer.

use super::line;
#[cfg(feature = "chain")]
use crate::chain::BlocksHash;

/// A buffer larger than this is let go when little of it was used.
pub(super) const LARGE: usize = 1024 * 1024;

/// A line with its newline, and, where the log has a chain, what the caller's
/// thread has hashed of it: the one that writes has enough to do.
#[derive(Clone)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    #[cfg(feature = "chain")]
    pub(super) hash: Option<BlocksHash>,
}

/// Lines, end to end.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    #[cfg(feature = "chain")]
    hashes: Vec<BlocksHash>,
}

/// Some lines of [`Lines`].
#[derive(Clone, Copy)]
pub(super) struct LineSlice<'a> {
    pub(super) bytes: &'a [u8],
    /// One for each line, or none at all.
    #[cfg(feature = "chain")]
    hashes: &'a [BlocksHash],
}

impl<'a> Line<'a> {
    /// This line, for a log that has a chain or has none.
    pub(super) fn new(bytes: &'a [u8], is_chained: bool) -> Self {
        #[cfg(not(feature = "chain"))]
        let _ = is_chained;
        Self {
            bytes,
            #[cfg(feature = "chain")]
            hash: is_chained.then(|| BlocksHash::of(line::fields_of(bytes))),
        }
    }
}

impl Lines {
    pub(super) fn push(&mut self, line: &Line<'_>) {
        self.bytes.extend_from_slice(line.bytes);
        #[cfg(feature = "chain")]
        self.hashes.extend(line.hash.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Makes it empty, and keeps its buffers if they are worth it.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > LARGE && self.bytes.len() < self.bytes.capacity() / 4 {
            *self = Self::default();
        }
        self.bytes.clear();
        #[cfg(feature = "chain")]
        self.hashes.clear();
    }

    pub(super) fn as_slice(&self) -> LineSlice<'_> {
        LineSlice {
            bytes: &self.bytes,
            #[cfg(feature = "chain")]
            hashes: &self.hashes,
        }
    }
}

impl<'a> LineSlice<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = Line<'a>> {
        #[cfg(feature = "chain")]
        let mut hashes = self.hashes.iter();
        line::lines(self.bytes).map(move |bytes| Line {
            bytes,
            #[cfg(feature = "chain")]
            hash: hashes.next().cloned(),
        })
    }

    /// The first `lines`, which are `length` bytes, and the others.
    pub(super) fn split_at(self, lines: u64, length: usize) -> (Self, Self) {
        let (bytes, other_bytes) = self.bytes.split_at(length.min(self.bytes.len()));
        #[cfg(not(feature = "chain"))]
        let _ = lines;
        #[cfg(feature = "chain")]
        let (hashes, other_hashes) = {
            let lines = usize::try_from(lines).unwrap_or(usize::MAX);
            self.hashes.split_at(lines.min(self.hashes.len()))
        };
        let first = Self {
            bytes,
            #[cfg(feature = "chain")]
            hashes,
        };
        let others = Self {
            bytes: other_bytes,
            #[cfg(feature = "chain")]
            hashes: other_hashes,
        };
        (first, others)
    }
}
