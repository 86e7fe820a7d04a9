//! Lines on their way to the writer.

use super::line;
#[cfg(feature = "chain")]
use crate::chain::BlocksHash;

/// A buffer larger than this is let go when little of it was used.
pub(super) const LARGE: usize = 1024 * 1024;

/// A line with its newline, and what the thread that reports it has hashed of
/// it, if it has.
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
    count: usize,
    /// Of some of the lines, with their numbers, which rise.
    #[cfg(feature = "chain")]
    hashes: Vec<(usize, BlocksHash)>,
}

/// Some lines of [`Lines`].
#[derive(Clone, Copy)]
pub(super) struct LineSlice<'a> {
    pub(super) bytes: &'a [u8],
    /// The number of the first line.
    #[cfg(feature = "chain")]
    first: usize,
    #[cfg(feature = "chain")]
    hashes: &'a [(usize, BlocksHash)],
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8], is_hashed: bool) -> Self {
        #[cfg(not(feature = "chain"))]
        let _ = is_hashed;
        Self {
            bytes,
            #[cfg(feature = "chain")]
            hash: is_hashed.then(|| BlocksHash::of(line::fields_of(bytes))),
        }
    }
}

impl Lines {
    pub(super) fn push(&mut self, line: &Line<'_>) {
        self.bytes.extend_from_slice(line.bytes);
        #[cfg(feature = "chain")]
        {
            let hash = line.hash.clone();
            self.hashes.extend(hash.map(|hash| (self.count, hash)));
            self.count += 1;
        }
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
        {
            self.count = 0;
            self.hashes.clear();
        }
    }

    pub(super) fn as_slice(&self) -> LineSlice<'_> {
        LineSlice {
            bytes: &self.bytes,
            #[cfg(feature = "chain")]
            first: 0,
            #[cfg(feature = "chain")]
            hashes: &self.hashes,
        }
    }
}

impl<'a> LineSlice<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = Line<'a>> {
        #[cfg(feature = "chain")]
        let (mut numbers, mut hashes) = (self.first.., self.hashes.iter().peekable());
        line::lines(self.bytes).map(move |bytes| Line {
            bytes,
            #[cfg(feature = "chain")]
            hash: {
                let number = numbers.next();
                let its = hashes.next_if(|(of, _)| Some(*of) == number);
                its.map(|(_, hash)| hash.clone())
            },
        })
    }

    /// The first `lines`, which are `length` bytes, and the others.
    pub(super) fn split_at(self, lines: u64, length: usize) -> (Self, Self) {
        let (bytes, other_bytes) = self.bytes.split_at(length.min(self.bytes.len()));
        #[cfg(not(feature = "chain"))]
        let _ = lines;
        #[cfg(feature = "chain")]
        let others = self.first + usize::try_from(lines).unwrap_or(usize::MAX);
        #[cfg(feature = "chain")]
        let (hashes, other_hashes) = {
            let of_first = self.hashes.partition_point(|(of, _)| *of < others);
            self.hashes.split_at(of_first)
        };
        let first = Self {
            bytes,
            #[cfg(feature = "chain")]
            first: self.first,
            #[cfg(feature = "chain")]
            hashes,
        };
        let rest = Self {
            bytes: other_bytes,
            #[cfg(feature = "chain")]
            first: others,
            #[cfg(feature = "chain")]
            hashes: other_hashes,
        };
        (first, rest)
    }
}
