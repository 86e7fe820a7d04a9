//! What an earlier process had begun and not put on record.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::{
    super::{
        file::to_read,
        line::{LINE_LIMIT, is_whole},
    },
    call_id,
};
use crate::segments;

/// The lines of the journal at `journal` whose calls have no event in the log
/// at `log`, in the order in which they were started.
///
/// The log is read only if there are such lines, from its newest segment back,
/// until each call is found.
///
/// # Errors
/// The file at `journal` is none, or one of them could not be read.
pub(in crate::json_lines) fn recover(journal: &Path, log: &Path) -> io::Result<Vec<Vec<u8>>> {
    let Some(file) = to_read(journal)? else {
        return Ok(Vec::new());
    };
    let mut started = HashMap::new();
    let mut is_journal = true;
    for_each_line(file, |line| {
        // A line that was cut short is of a call that never began.
        let is_start = line.ends_with(b"}\n") && is_whole(line) && !call_id(line).is_empty();
        if is_start && !line[..line.len() - 1].iter().any(u8::is_ascii_control) {
            let number = started.len();
            started.insert(call_id(line).to_vec(), (number, line.to_vec()));
        } else if started.is_empty() && line.ends_with(b"\n") && !line.contains(&0) {
            is_journal = false;
        }
        is_journal
    })?;
    if !is_journal {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is no journal of an audit log", journal.display()),
        ));
    }
    let rotated = segments::rotated(log)?.into_iter().map(|(_, path)| path);
    let newest_first = rotated.chain([log.to_owned()]).rev();
    for segment in newest_first {
        if started.is_empty() {
            break;
        }
        if let Some(file) = to_read(&segment)?.filter(is_regular) {
            for_each_line(file, |line| {
                if started.contains_key(call_id(line)) && is_whole(line) {
                    started.remove(call_id(line));
                }
                !started.is_empty()
            })?;
        }
    }
    let mut left: Vec<_> = started.into_values().collect();
    left.sort();
    Ok(left.into_iter().map(|(_, line)| line).collect())
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.is_file())
}

/// Gives each line, and of one that is longer than any of ours its beginning.
fn for_each_line(file: File, mut wants_more: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    let limit = 2 * LINE_LIMIT as u64;
    while reader.by_ref().take(limit).read_until(b'\n', &mut line)? > 0 {
        if !line.ends_with(b"\n") && line.len() as u64 == limit {
            reader.skip_until(b'\n')?;
        }
        if !wants_more(&line) {
            break;
        }
        line.clear();
    }
    Ok(())
}
