//! A log as it grows.

use std::{collections::VecDeque, fs, io, path::PathBuf};

use super::{
    AuditLog, ReadError, Record, Segment, lines::LineReader, parse, records::RawLine, segment,
};
use crate::segments;

/// The lines of a log as they are written, across rotations. What
/// [`AuditLog::follow`](crate::AuditLog::follow) gives.
///
/// It waits for nothing: whoever follows a log asks again when they like.
/// Segments that are rotated away between two questions are read to their
/// ends, unless they are deleted first. A file that is cut to nothing and
/// written anew is read from its start.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    waiting: VecDeque<Segment>,
    current: Option<Current>,
    /// The rotated segments that are read, or are waiting to be.
    known: Vec<PathBuf>,
    /// The segment that was active and is read, under whatever name now.
    left: segments::Identity,
    /// Where to begin in the next segment, in bytes.
    offset: u64,
}

#[derive(Debug)]
struct Current {
    segment: Segment,
    lines: LineReader,
}

impl Follow {
    pub(super) fn new(log: &AuditLog, index: usize, offset: u64) -> Self {
        Self {
            path: log.path().to_owned(),
            waiting: log.segments()[index..].to_vec().into(),
            current: None,
            known: rotated_paths(log.segments()),
            left: None,
            offset,
        }
    }

    /// The next line, or `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// A segment could not be read. It may be worth asking again.
    pub fn poll(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let Some(current) = &mut self.current else {
                match self.open_next()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            let fail = || ReadError::at(current.segment.path());
            if current.lines.advance().map_err(fail())? {
                match current.record() {
                    None => continue,
                    some => return Ok(some),
                }
            }
            if current.was_cut().map_err(fail())? {
                let file = current.segment.file().map_err(fail())?;
                current.lines = LineReader::new(file, 0);
                continue;
            }
            if current.segment.is_active() && !current.was_replaced(&self.path).map_err(fail())? {
                return Ok(None);
            }
            // What was written before the segment was rotated, but after the
            // look above.
            let is_more = current.lines.advance().map_err(fail())?;
            let rest = (is_more || current.lines.advance_to_rest()).then(|| current.record());
            if !is_more {
                self.left = current.identity().map_err(fail())?;
                self.current = None;
            }
            if let Some(Some(record)) = rest {
                return Ok(Some(record));
            }
        }
    }

    /// Opens the next segment; `false` if there is none yet.
    fn open_next(&mut self) -> Result<bool, ReadError> {
        if self.waiting.is_empty() {
            let listed = match segment::list(&self.path) {
                // Between the rotation and the first line behind it.
                Err(ReadError::NoLog { .. }) => return Ok(false),
                listed => listed?,
            };
            let paths = rotated_paths(&listed);
            let is_known = |it: &Segment| self.known.iter().any(|known| known == it.path());
            let was_left = |it: &Segment| {
                let found = fs::metadata(it.path()).ok();
                self.left.is_some() && found.and_then(|it| segments::identity(&it)) == self.left
            };
            let is_new = |it: &Segment| it.is_active() || !(is_known(it) || was_left(it));
            self.waiting = listed.into_iter().filter(is_new).collect();
            self.known = paths;
        }
        while let Some(segment) = self.waiting.pop_front() {
            let offset = std::mem::take(&mut self.offset);
            match segment.file() {
                Ok(file) => {
                    let lines = LineReader::new(file, offset);
                    self.current = Some(Current { segment, lines });
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(ReadError::at(segment.path())(error)),
            }
        }
        Ok(false)
    }
}

impl Current {
    /// The line that was gone to, unless it is empty.
    fn record(&self) -> Option<Record> {
        let line = self.lines.current();
        let raw = RawLine {
            segment: self.segment.shared_path(),
            line,
            is_unfinished: false,
        };
        (!line.bytes.is_some_and(parse::is_empty)).then(|| raw.record())
    }

    /// Whether the file is shorter than what was read of it.
    fn was_cut(&self) -> io::Result<bool> {
        Ok(self.lines.file().metadata()?.len() < self.lines.read_to())
    }

    /// Whether another file is at the log's path by now.
    fn was_replaced(&self, path: &std::path::Path) -> io::Result<bool> {
        let now = match fs::metadata(path) {
            Ok(found) => segments::identity(&found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(now != self.identity()?)
    }

    fn identity(&self) -> io::Result<segments::Identity> {
        Ok(segments::identity(&self.lines.file().metadata()?))
    }
}

fn rotated_paths(segments: &[Segment]) -> Vec<PathBuf> {
    let rotated = segments.iter().filter(|segment| !segment.is_active());
    rotated.map(|it| it.path().to_owned()).collect()
}
