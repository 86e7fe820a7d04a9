//! What is read of a log: its events, and the lines that are none.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{CallEvent, Head};

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub(super) segment: Arc<Path>,
    pub(super) line: Option<u64>,
    pub(super) offset: u64,
}

impl Position {
    /// The segment, under the name it had when the log was opened.
    #[must_use]
    pub fn segment(&self) -> &Path {
        &self.segment
    }

    /// The number of the line in its segment, counted from 1. `None` if the
    /// segment was not read from its start, as for
    /// [`newest`](crate::AuditLog::newest).
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// Where the line begins in its segment, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for Position {
    /// `audit.jsonl:12`, or `audit.jsonl, byte 3456` where the number of the
    /// line is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segment: PathBuf = self.segment.to_path_buf();
        match self.line {
            Some(line) => write!(f, "{}:{line}", segment.display()),
            None => write!(f, "{}, byte {}", segment.display(), self.offset),
        }
    }
}

/// One line of a log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Record {
    /// It holds an event.
    Event(Box<Entry>),
    /// It holds none.
    Bad(BadLine),
}

/// An event, and what its line says beside it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The event.
    pub event: CallEvent,
    /// The number, hash and signature of the line, if the log is chained.
    /// Nothing was checked of them: [`verify`](crate::verify()) does that.
    pub head: Option<Head>,
    /// Whether the event was cut to fit its line.
    pub truncated: bool,
    /// How many events were lost between the line before and this one: 0
    /// unless the line is a record of such a gap.
    pub lost_before: u64,
    /// Where the line stands.
    pub at: Position,
    /// The line itself, without its newline, with whatever else stands in it.
    pub line: String,
}

/// A line that holds no event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadLine {
    /// Why it holds none.
    pub problem: Problem,
    /// Where it stands.
    pub at: Position,
    /// Its length in bytes, its newline not counted.
    pub length: u64,
}

/// Why a line holds no event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The beginning of a line: a crash cut it, or a full disk. Its event is
    /// not on record.
    Torn,
    /// The last line of the segment that is written to has no newline yet. If
    /// somebody is writing, it will; if nobody is, it is torn.
    Unfinished,
    /// It is no JSON, and not the beginning of a line either.
    NotJson {
        /// What the parser says of it.
        reason: String,
    },
    /// It is JSON, and no event.
    NotAnEvent {
        /// What the parser says of it.
        reason: String,
    },
    /// It is over 1 MiB long, and was skipped without being held in memory.
    TooLong,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("the line is torn"),
            Self::Unfinished => f.write_str("the line has no end yet"),
            Self::NotJson { reason } => write!(f, "the line is no JSON: {reason}"),
            Self::NotAnEvent { reason } => write!(f, "the line is no event: {reason}"),
            Self::TooLong => f.write_str("the line is over 1 MiB long"),
        }
    }
}
