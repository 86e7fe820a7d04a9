//! What a log ends in.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
};

use super::{
    super::line::{LINE_LIMIT, is_whole},
    to_read,
};
#[cfg(feature = "chain")]
use crate::chain::Link;
use crate::segments::{self, Backwards, read_full_at};

/// What is longer is no line of ours.
const LONGEST: u64 = LINE_LIMIT as u64;

/// What a log ends in.
#[derive(Default)]
pub(in crate::json_lines) struct Tail {
    /// The last line of the file has no newline.
    pub(in crate::json_lines) is_torn: bool,
    /// The file can be appended to and not read.
    pub(in crate::json_lines) is_unreadable: bool,
    /// Whether the last line is one of a chain.
    pub(in crate::json_lines) is_chained: bool,
    /// Where the chain stands.
    #[cfg(feature = "chain")]
    pub(in crate::json_lines) last: Option<Link>,
}

/// What the log at `path` ends in, its rotated segments included. If it is to go on
/// chained, the last line that is chained counts, whatever came after it:
/// no number is given twice.
pub(super) fn read(path: &Path, is_to_be_chained: bool) -> io::Result<Tail> {
    let mut tail = Tail::default();
    match last_line(path, &mut tail, is_to_be_chained) {
        Ok(true) => return Ok(tail),
        Ok(false) => {}
        // Whoever may append and not read gets an empty line too many, which
        // does no harm.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tail.is_torn = true;
            tail.is_unreadable = true;
            return Ok(tail);
        }
        Err(error) => return Err(error),
    }
    let is_torn = tail.is_torn;
    for (_, segment) in segments::rotated(path)?.iter().rev() {
        if last_line(segment, &mut tail, is_to_be_chained)? {
            break;
        }
    }
    tail.is_torn = is_torn;
    Ok(tail)
}

/// What one file ends in.
pub(super) fn of_file(path: &Path) -> io::Result<Tail> {
    let mut tail = Tail::default();
    last_line(path, &mut tail, false)?;
    Ok(tail)
}

/// Looks for the last line of a file that is an event's. A line that lacks
/// nothing but its newline is one; whatever a crash left besides is not.
fn last_line(path: &Path, tail: &mut Tail, wants_chain: bool) -> io::Result<bool> {
    let Some(file) = to_read(path)? else {
        return Ok(false);
    };
    let length = file.metadata()?.len();
    let mut lines = Backwards::new(&file)?;
    tail.is_torn = lines.end() < length;
    let mut range = lines.end()..length;
    loop {
        let is_line = range.end - range.start <= LONGEST && {
            let line = bytes(&file, range.start, range.end)?;
            let is_event = tail.note(&line);
            is_event && (tail.is_chained || !wants_chain)
        };
        if is_line {
            return Ok(true);
        }
        match lines.previous()? {
            Some(previous) => range = previous,
            None => return Ok(false),
        }
    }
}

fn bytes(file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (end - start) as usize];
    let read = read_full_at(file, &mut bytes, start)?;
    bytes.truncate(read);
    Ok(bytes)
}

impl Tail {
    /// Whether `line` is an event's, and if so, whether it is one of a chain.
    fn note(&mut self, line: &[u8]) -> bool {
        #[cfg(feature = "chain")]
        {
            self.last = Link::parse(line).map(|(link, _)| link);
            self.is_chained = self.last.is_some();
        }
        #[cfg(not(feature = "chain"))]
        {
            const CHAIN: &[u8] = b",\"chain\":\"";
            self.is_chained =
                line.ends_with(b"\"}") && line.windows(CHAIN.len()).any(|found| found == CHAIN);
        }
        is_whole(line)
    }
}
