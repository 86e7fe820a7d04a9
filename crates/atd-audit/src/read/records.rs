//! The lines of a log, from segment to segment.

use std::{io, iter::FusedIterator, path::Path, sync::Arc, vec};

use super::{
    BadLine, Entry, Position, Problem, ReadError, Record, Segment,
    lines::{Line, LineReader},
    parse,
};
use crate::{Head, chain::Link};

/// The lines of a log, the oldest first, empty ones left out. What
/// [`AuditLog::records`](crate::AuditLog::records) and
/// [`newest`](crate::AuditLog::newest) give.
///
/// At any time one line is held in memory, and no line over 1 MiB. After an
/// error there is nothing more.
#[derive(Debug)]
pub struct Records {
    waiting: vec::IntoIter<Segment>,
    current: Option<Current>,
    /// Where to begin in the next segment, in bytes.
    offset: u64,
    /// Whether a line was read, so that a segment that is gone is missed.
    has_begun: bool,
}

#[derive(Debug)]
struct Current {
    segment: Segment,
    lines: LineReader,
    /// Whether what stands behind the last newline has been given.
    is_done: bool,
}

impl Records {
    /// From `offset` in the first of `segments` on.
    pub(super) fn new(segments: Vec<Segment>, offset: u64) -> Self {
        Self {
            waiting: segments.into_iter(),
            current: None,
            offset,
            has_begun: false,
        }
    }

    /// Goes to the next line that is not empty; `false` when there is none.
    pub(super) fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            let Some(current) = &mut self.current else {
                match self.open_next()? {
                    true => continue,
                    false => return Ok(false),
                }
            };
            if current.is_done {
                self.current = None;
                continue;
            }
            let lines = &mut current.lines;
            let whole = lines
                .advance()
                .map_err(ReadError::at(current.segment.path()))?;
            if !whole {
                current.is_done = true;
                if !lines.advance_to_rest() {
                    continue;
                }
            }
            if !lines.current().bytes.is_some_and(parse::is_empty) {
                self.has_begun = true;
                return Ok(true);
            }
        }
    }

    /// The line that was gone to.
    pub(super) fn line(&self) -> Option<RawLine<'_>> {
        self.current.as_ref().map(|current| RawLine {
            segment: current.segment.shared_path(),
            line: current.lines.current(),
            // What is behind the last newline of a segment that nobody writes
            // to any more will never end.
            is_unfinished: current.is_done && current.segment.is_active(),
        })
    }

    fn open_next(&mut self) -> Result<bool, ReadError> {
        for segment in self.waiting.by_ref() {
            let offset = std::mem::take(&mut self.offset);
            match segment.file() {
                Ok(file) => {
                    self.current = Some(Current {
                        lines: LineReader::new(file, offset),
                        segment,
                        is_done: false,
                    });
                    return Ok(true);
                }
                // The oldest segments are deleted while the log is read.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.has_begun => {}
                Err(error) => return Err(ReadError::at(segment.path())(error)),
            }
        }
        Ok(false)
    }
}

/// A line that was not parsed.
#[derive(Debug)]
pub(super) struct RawLine<'a> {
    pub(super) segment: &'a Arc<Path>,
    pub(super) line: Line<'a>,
    pub(super) is_unfinished: bool,
}

impl RawLine<'_> {
    pub(super) fn position(&self) -> Position {
        Position {
            segment: self.segment.clone(),
            line: self.line.number,
            offset: self.line.offset,
        }
    }

    pub(super) fn event(&self) -> Result<parse::EventLine, Problem> {
        match self.line.bytes {
            _ if self.is_unfinished => Err(Problem::Unfinished),
            None => Err(Problem::TooLong),
            Some(bytes) => parse::event(bytes),
        }
    }

    pub(super) fn record(&self) -> Record {
        match self.event() {
            Ok(read) => {
                let bytes = self.line.bytes.unwrap_or_default();
                Record::Event(Box::new(Entry {
                    event: read.event,
                    head: Link::parse(bytes).map(|(link, _)| Head::new(link)),
                    truncated: read.truncated,
                    lost_before: read.lost_before,
                    at: self.position(),
                    line: String::from_utf8_lossy(bytes).into_owned(),
                }))
            }
            Err(problem) => Record::Bad(BadLine {
                problem,
                at: self.position(),
                length: self.line.length,
            }),
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Ok(true) => self.line().map(|line| Ok(line.record())),
            Ok(false) => None,
            Err(error) => {
                self.current = None;
                self.waiting = Vec::new().into_iter();
                Some(Err(error))
            }
        }
    }
}

impl FusedIterator for Records {}
