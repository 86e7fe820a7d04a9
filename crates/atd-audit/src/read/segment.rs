//! The files that a log consists of, and the order they are in.
//!
//! The newest events are in the file at the log's path. Beside it stand the
//! segments that were rotated away: `audit.jsonl` leaves
//! `audit-20261122T160406123456Z.jsonl`, named after the time of the rotation
//! in UTC, and `audit-20261122T160406123456Z-001.jsonl` if that is taken.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{ReadError, files};

/// One file of a log.
#[derive(Debug, Clone)]
pub struct Segment {
    path: Arc<Path>,
    /// Held open from the start if the file may be renamed.
    file: Option<Arc<File>>,
}

impl Segment {
    /// Where the file was when the log was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this was the segment that is written to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn shared_path(&self) -> &Arc<Path> {
        &self.path
    }

    pub(super) fn file(&self) -> io::Result<Arc<File>> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => File::open(&self.path).map(Arc::new),
        }
    }
}

/// The segments of the log at `path`, the oldest first; at least one.
pub(super) fn list(path: &Path) -> Result<Vec<Segment>, ReadError> {
    // The active one before the others: if it is rotated meanwhile it is
    // found twice, and not overlooked.
    let active = open_active(path)?;
    let mut segments = rotated(path)?;
    if let Some((segment, identity)) = active {
        let is_another = |other: &Segment| {
            let found = fs::metadata(&other.path).ok();
            identity.is_none() || found.and_then(|found| files::identity(&found)) != identity
        };
        // What was rotated after the active one was opened is newer than it.
        let known = segments.iter().position(|other| !is_another(other));
        segments.truncate(known.unwrap_or(segments.len()));
        segments.push(segment);
    }
    if segments.is_empty() {
        return Err(ReadError::NoLog { path: path.into() });
    }
    Ok(segments)
}

type Identity = Option<(u64, u64)>;

fn open_active(path: &Path) -> Result<Option<(Segment, Identity)>, ReadError> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let is_file = match fs::metadata(path) {
        Ok(found) => found.is_file(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadError::at(path)(error)),
    };
    if !is_file {
        return Err(ReadError::NotAFile { path: path.into() });
    }
    let file = match File::open(path) {
        Ok(file) => Arc::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadError::at(path)(error)),
    };
    let identity = files::identity(&file.metadata().map_err(ReadError::at(path))?);
    let segment = Segment {
        path: path.into(),
        file: Some(file),
    };
    Ok(Some((segment, identity)))
}

/// The segments that were rotated away from `path`, the oldest first.
pub(super) fn rotated(path: &Path) -> Result<Vec<Segment>, ReadError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ReadError::at(directory)(error)),
    };
    let mut found: Vec<(Rotation, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(ReadError::at(directory))?;
        let name = entry.file_name();
        if let Some(rotation) = Rotation::of(path, name.as_encoded_bytes()) {
            // Not joined to `.`: a name without a directory stays one.
            let whole = path.with_file_name(&name);
            if fs::metadata(&whole).is_ok_and(|found| found.is_file()) {
                found.push((rotation, whole));
            }
        }
    }
    found.sort();
    let segments = found.into_iter().map(|(_, path)| Segment {
        path: path.into(),
        file: None,
    });
    Ok(segments.collect())
}

/// When a segment was rotated away, as its name tells: first by the time, then
/// by the number. The name itself does not sort so: `-` comes before `.`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rotation {
    stamp: [u8; STAMP.len()],
    number: u32,
}

/// The form of a stamp; a `0` stands for any digit.
const STAMP: &[u8; 22] = b"00000000T000000000000Z";

impl Rotation {
    /// `None` if `name` is not that of a segment of the log at `log`.
    fn of(log: &Path, name: &[u8]) -> Option<Self> {
        let stem = log.file_stem()?.as_encoded_bytes();
        let rest = name.strip_prefix(stem)?.strip_prefix(b"-")?;
        let rest = match log.extension() {
            Some(extension) => rest
                .strip_suffix(extension.as_encoded_bytes())?
                .strip_suffix(b".")?,
            None => rest,
        };
        let (stamp, rest) = rest.split_first_chunk::<{ STAMP.len() }>()?;
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        };
        if !stamp.iter().zip(STAMP).all(fits) {
            return None;
        }
        let number = match rest {
            [] => 0,
            [b'-', digits @ ..] if digits.len() >= 3 && digits.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(digits).ok()?.parse().ok()?
            }
            _ => return None,
        };
        Some(Self {
            stamp: *stamp,
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_known_by_its_name() {
        let check = |log: &str, name: &str, number: Option<u32>| {
            let found = Rotation::of(Path::new(log), name.as_bytes());
            assert_eq!(found.map(|found| found.number), number, "{name}");
        };
        check(
            "d/audit.jsonl",
            "audit-20261122T160406123456Z.jsonl",
            Some(0),
        );
        check(
            "audit.jsonl",
            "audit-20261122T160406123456Z-001.jsonl",
            Some(1),
        );
        check(
            "audit.jsonl",
            "audit-20261122T160406123456Z-1234.jsonl",
            Some(1234),
        );
        check("audit", "audit-20261122T160406123456Z-002", Some(2));
        check("audit", "audit-20261122T160406123456Z.jsonl", None);
        for other in [
            "audit.jsonl",
            "audit-.jsonl",
            "audit-20261122T160406Z.jsonl",
            "audit-20261122T160406123456Z-1.jsonl",
            "audit-20261122T160406123456Z-00a.jsonl",
            "audit-20261122T160406123456Z.jsonl.gz",
            "other-20261122T160406123456Z.jsonl",
        ] {
            check("audit.jsonl", other, None);
        }
    }

    #[test]
    fn segments_are_in_the_order_of_their_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "a-20251122T160406123456Z.log",
            "a-20261122T160406123456Z.log",
            "a-20261122T160406123456Z-001.log",
            "a-20261122T160406123456Z-002.log",
            "a-20261122T160406123457Z.log",
            "a.log",
        ];
        for name in names.iter().rev() {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("a-20271122T160406123456Z.log")).unwrap();
        let segments = list(&folder.path().join("a.log")).unwrap();
        let found = segments.iter().map(|it| it.path().file_name().unwrap());
        assert!(found.eq(names), "{segments:?}");
        assert!(segments[5].is_active() && !segments[4].is_active());
    }
}
