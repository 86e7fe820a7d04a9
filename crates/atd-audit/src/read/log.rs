//! A log, as its files are when it is opened.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Follow, Matching, Query, ReadError, Records, Segment, lines::LINE_LIMIT, parse, segment,
};
use crate::{
    Head,
    chain::Link,
    segments::{Backwards, read_full_at},
};

/// A log and the segments that were rotated away from it, to be read.
///
/// It is what was there when it was opened, and what has been appended to the
/// active segment since. A rotation meanwhile does no harm: the segment that
/// was active is held open. To see what is written after a rotation, open the
/// log again or [`follow`](Self::follow) it. The oldest segments may be
/// deleted at any time; whatever is deleted before it is read is left out.
///
/// ```
/// use std::time::Duration;
/// use atd_audit::{AuditLog, AuditSink, JsonLinesAuditSink, Query, Record};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// # let event = |tool: &str| atd_audit::CallEvent {
/// #     ts: atd_audit::now_rfc3339(),
/// #     call_id: String::new(),
/// #     tool_id: tool.to_owned(),
/// #     caller_id: None,
/// #     granted_capabilities: vec![],
/// #     duration_ms: 3,
/// #     outcome: atd_audit::Outcome::Success,
/// #     tier: "hot".to_owned(),
/// #     dry_run: false,
/// #     schema_version: 2,
/// #     secrets_resolved: false,
/// #     cursor_page: None,
/// # };
/// # let sink = JsonLinesAuditSink::file(&path)?;
/// # sink.on_call(&event("demo:math.add"));
/// # sink.on_call(&event("demo:db.drop"));
/// # sink.shutdown(Duration::from_secs(5))?;
/// let log = AuditLog::open(&path)?;
/// for record in log.records() {
///     match record? {
///         Record::Event(entry) => println!("{} {}", entry.event.ts, entry.event.tool_id),
///         Record::Bad(line) => eprintln!("{}: {}", line.at, line.problem),
///         _ => {}
///     }
/// }
/// let drops = log.query(Query::new().tool("demo:db.*")).count();
/// assert_eq!(drops, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
    segments: Vec<Segment>,
}

impl AuditLog {
    /// Opens the log at `path`, with all its segments. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// Neither the file nor a rotated segment of it is there, the path leads
    /// to something that is no file, or it may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let mut path = path.as_ref().to_owned();
        // The segments are where the file is, not where a link to it is.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            path = fs::canonicalize(&path).map_err(ReadError::at(&path))?;
        }
        Ok(Self {
            segments: segment::list(&path)?,
            path,
        })
    }

    /// Where the log is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its segments, the oldest first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All its lines, the oldest first.
    #[must_use]
    pub fn records(&self) -> Records {
        Records::new(self.segments.clone(), 0)
    }

    /// Its newest `count` lines, the oldest of them first, and whatever is
    /// appended while they are read. The rest of the log is not read, so the
    /// numbers of these lines may be unknown.
    ///
    /// # Errors
    ///
    /// A segment could not be read.
    pub fn newest(&self, count: u64) -> Result<Records, ReadError> {
        let (index, offset) = self.start_of_newest(count)?;
        Ok(Records::new(self.segments[index..].to_vec(), offset))
    }

    /// The segment, and the offset in it, at which the newest `count` lines
    /// begin.
    pub(super) fn start_of_newest(&self, count: u64) -> Result<(usize, u64), ReadError> {
        let mut found = 0;
        for (index, segment) in self.segments.iter().enumerate().rev() {
            let fail = || ReadError::at(segment.path());
            let Some(file) = still_there(segment)? else {
                break;
            };
            let mut lines = Backwards::new(&file).map_err(fail())?;
            let mut from = lines.end();
            while found < count {
                let Some(line) = lines.previous().map_err(fail())? else {
                    break;
                };
                from = line.start;
                if !is_empty(&file, &line).map_err(fail())? {
                    found += 1;
                }
            }
            if found == count {
                return Ok((index, from));
            }
        }
        Ok((0, 0))
    }

    /// Where the chain stands at the newest line that is whole, found from the
    /// end without reading the log. `None` if the log is not chained, or has
    /// no whole line. Nothing is checked: [`verify`](crate::verify()) does that.
    ///
    /// # Errors
    ///
    /// A segment could not be read.
    pub fn head(&self) -> Result<Option<Head>, ReadError> {
        for segment in self.segments.iter().rev() {
            let fail = || ReadError::at(segment.path());
            let Some(file) = still_there(segment)? else {
                break;
            };
            let mut lines = Backwards::new(&file).map_err(fail())?;
            while let Some(line) = lines.previous().map_err(fail())? {
                if line.end - line.start > LINE_LIMIT as u64 {
                    continue;
                }
                let bytes = read(&file, &line).map_err(fail())?;
                if let Some((link, _)) = Link::parse(&bytes) {
                    return Ok(Some(Head::new(link)));
                }
                if parse::is_json(&bytes) {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// The events that `query` asks for, the oldest first.
    #[must_use]
    pub fn query(&self, query: Query) -> Matching {
        Matching::new(self.records(), query)
    }

    /// Its newest `count` lines, and then everything that is written from now
    /// on, across rotations, nothing left out between the two.
    ///
    /// # Errors
    ///
    /// A segment could not be read.
    pub fn follow(&self, count: u64) -> Result<Follow, ReadError> {
        let (index, offset) = self.start_of_newest(count)?;
        Ok(Follow::new(self, index, offset))
    }
}

/// The segment's file; `None` if it was deleted since the log was opened, and
/// with it all that are older.
fn still_there(segment: &Segment) -> Result<Option<Arc<File>>, ReadError> {
    match segment.file() {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::at(segment.path())(error)),
    }
}

fn is_empty(file: &File, line: &std::ops::Range<u64>) -> io::Result<bool> {
    // A line that is longer than this and holds nothing is counted as one.
    if line.end - line.start > 16 {
        return Ok(false);
    }
    read(file, line).map(|bytes| parse::is_empty(&bytes))
}

fn read(file: &File, line: &std::ops::Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (line.end - line.start) as usize];
    let read = read_full_at(file, &mut bytes, line.start)?;
    bytes.truncate(read);
    Ok(bytes)
}
