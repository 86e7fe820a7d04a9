//! The files that a log consists of, for who writes it and who reads it.
//!
//! The newest events are in the file at the log's path. Beside it stand the
//! segments that were rotated away: `audit.jsonl` leaves
//! `audit-20261122T160406123456Z.jsonl`, named after the time of the rotation
//! in UTC, and `audit-20261122T160406123456Z-001.jsonl` if that is taken.

mod backwards;
mod name;
mod positioned;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[cfg(feature = "read")]
pub(crate) use self::positioned::read_at;
pub(crate) use self::{
    backwards::Backwards,
    name::SegmentName,
    positioned::{identity, read_full_at},
};

/// What stays the same when a file is renamed.
pub(crate) type Identity = Option<(u64, u64)>;

/// Where a log's files are.
pub(crate) fn directory(log: &Path) -> &Path {
    match log.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The segments that were rotated away from `log`, the oldest first.
pub(crate) fn rotated(log: &Path) -> io::Result<Vec<(SegmentName, PathBuf)>> {
    let entries = match fs::read_dir(directory(log)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some(segment) = SegmentName::of(log, name.as_encoded_bytes()) {
            // Not joined to `.`: a name without a directory stays one.
            let path = log.with_file_name(&name);
            if fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                found.push((segment, path));
            }
        }
    }
    found.sort();
    Ok(found)
}
