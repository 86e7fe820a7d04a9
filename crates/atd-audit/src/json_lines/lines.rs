//! Lines on their way to the writer.

#[cfg(feature = "chain")]
use super::line;
#[cfg(feature = "chain")]
use crate::chain::BlocksHash;

/// Room for so many bytes is kept, however little of it was used.
const KEPT: usize = 1024 * 1024;

/// A line with its newline, and what the thread that reports it has hashed of
/// it, if it has.
#[derive(Default)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    #[cfg(feature = "chain")]
    pub(super) hash: Option<BlocksHash>,
}

/// Lines, one behind the other as the log is to have them.
///
/// Each was made elsewhere and is copied here. So the thread that reports has
/// its own buffer to itself, and the one that writes reads from one end to the
/// other: what goes from one core to the other is the lines alone.
#[derive(Default)]
#[repr(C)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// What is hashed of some of them, and which these are.
    #[cfg(feature = "chain")]
    hashes: Vec<(usize, BlocksHash)>,
}

/// Some of these lines that stand together.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    lines: &'a Lines,
    from: usize,
    to: usize,
}

/// Makes a buffer empty, and keeps its room if that is worth it.
pub(super) fn clear(buffer: &mut Vec<u8>) {
    let is_worth_it = buffer.len() >= buffer.capacity() / 4;
    buffer.clear();
    if !is_worth_it {
        buffer.shrink_to(KEPT);
    }
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
    pub(super) fn push(&mut self, line: &Line) {
        #[cfg(feature = "chain")]
        if let Some(hash) = &line.hash {
            self.hashes.push((self.ends.len(), hash.clone()));
        }
        self.text.extend_from_slice(&line.bytes);
        self.ends.push(self.text.len());
    }

    pub(super) fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them.
    pub(super) fn all(&self) -> Span<'_> {
        Span {
            lines: self,
            from: 0,
            to: self.ends.len(),
        }
    }

    /// Makes it empty, and keeps its room if that is worth it.
    pub(super) fn clear(&mut self) {
        clear(&mut self.text);
        self.ends.clear();
        #[cfg(feature = "chain")]
        self.hashes.clear();
    }
}

impl<'a> Span<'a> {
    pub(super) fn len(self) -> u64 {
        (self.to - self.from) as u64
    }

    pub(super) fn is_empty(self) -> bool {
        self.from == self.to
    }

    /// The first `lines` of them, and the others.
    pub(super) fn split_at(self, lines: u64) -> (Self, Self) {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let middle = self.from.saturating_add(lines).min(self.to);
        let (mut first, mut others) = (self, self);
        (first.to, others.from) = (middle, middle);
        (first, others)
    }

    /// The first of them, up to the one with which they are so many bytes.
    pub(super) fn reaching(self, bytes: usize) -> Self {
        let start = self.end_before(self.from);
        let ends = &self.lines.ends[self.from..self.to];
        let before = ends.partition_point(|end| end - start < bytes);
        self.split_at(before as u64 + 1).0
    }

    /// The bytes of all of them.
    pub(super) fn bytes(self) -> &'a [u8] {
        &self.lines.text[self.end_before(self.from)..self.end_before(self.to)]
    }

    /// The bytes of each.
    pub(super) fn each(self) -> impl Iterator<Item = &'a [u8]> {
        let line = move |at| &self.lines.text[self.end_before(at)..self.lines.ends[at]];
        (self.from..self.to).map(line)
    }

    /// What is hashed of each, if anything is.
    #[cfg(feature = "chain")]
    pub(super) fn hashes(self) -> impl Iterator<Item = Option<&'a BlocksHash>> {
        let all = &self.lines.hashes;
        let first = all.partition_point(|(line, _)| *line < self.from);
        let mut hashed = all[first..].iter().peekable();
        (self.from..self.to).map(move |at| {
            let of_it = hashed.next_if(|(line, _)| *line == at);
            of_it.map(|(_, hash)| hash)
        })
    }

    fn end_before(self, line: usize) -> usize {
        line.checked_sub(1).map_or(0, |last| self.lines.ends[last])
    }
}
