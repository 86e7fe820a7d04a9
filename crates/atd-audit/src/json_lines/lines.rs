//! Lines on their way to the writer.

#[cfg(feature = "chain")]
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
    /// Where in the bytes each line ends.
    ends: Vec<usize>,
    /// Of some of the lines, with their numbers, which rise.
    #[cfg(feature = "chain")]
    hashes: Vec<(usize, BlocksHash)>,
}

/// Some lines of [`Lines`].
#[derive(Clone, Copy)]
pub(super) struct LineSlice<'a> {
    lines: &'a Lines,
    /// The numbers of the first and of the one behind the last.
    first: usize,
    end: usize,
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
            self.hashes.extend(hash.map(|hash| (self.ends.len(), hash)));
        }
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Makes it empty, and keeps its buffers if they are worth it.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > LARGE && self.bytes.len() < self.bytes.capacity() / 4 {
            *self = Self::default();
        }
        self.bytes.clear();
        self.ends.clear();
        #[cfg(feature = "chain")]
        self.hashes.clear();
    }

    pub(super) fn as_slice(&self) -> LineSlice<'_> {
        LineSlice {
            lines: self,
            first: 0,
            end: self.ends.len(),
        }
    }

    /// Where the line of this number begins.
    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

impl<'a> LineSlice<'a> {
    pub(super) fn len(self) -> u64 {
        (self.end - self.first) as u64
    }

    pub(super) fn is_empty(self) -> bool {
        self.first == self.end
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        &self.lines.bytes[self.lines.start(self.first)..self.lines.start(self.end)]
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Line<'a>> {
        let numbers = self.first..self.end;
        #[cfg(feature = "chain")]
        let mut hashes = {
            let all = &self.lines.hashes;
            let before = all.partition_point(|(of, _)| *of < self.first);
            all[before..].iter().peekable()
        };
        numbers.map(move |number| Line {
            bytes: &self.lines.bytes[self.lines.start(number)..self.lines.ends[number]],
            #[cfg(feature = "chain")]
            hash: {
                let its = hashes.next_if(|(of, _)| *of == number);
                its.map(|(_, hash)| hash.clone())
            },
        })
    }

    /// The first of them, as few as have so many bytes; all, if none do.
    pub(super) fn with_bytes(self, at_least: usize) -> Self {
        let start = self.lines.start(self.first);
        let ends = &self.lines.ends[self.first..self.end];
        let before = ends.partition_point(|end| end - start < at_least);
        self.split_at(before as u64 + 1).0
    }

    /// The first `lines`, and the others.
    pub(super) fn split_at(self, lines: u64) -> (Self, Self) {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let between = self.first.saturating_add(lines).min(self.end);
        let first = Self {
            end: between,
            ..self
        };
        let others = Self {
            first: between,
            ..self
        };
        (first, others)
    }
}
