//! Which files a connection has read, for tools that edit them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many files are remembered of a connection. Of more, those read longest
/// ago are forgotten, and have to be read again before they are edited.
const MAX_FILES: usize = 4096;

/// The files that a connection has read, each as it then was: a tool that edits
/// one can see whether its caller knows what is in it.
///
/// ```
/// use atd_registry::{FileStamp, ReadTracker, StaleRead};
///
/// let read = FileStamp { inode: 7, modified_nanos: 1, length: 10 };
/// let changed = FileStamp { modified_nanos: 2, ..read };
///
/// let tracker = ReadTracker::default();
/// assert_eq!(tracker.check("notes.txt", read), Err(StaleRead::NeverRead));
/// tracker.note("notes.txt", read);
/// assert_eq!(tracker.check("notes.txt", read), Ok(()));
/// assert_eq!(tracker.check("notes.txt", changed), Err(StaleRead::ChangedSince));
/// ```
#[derive(Debug, Default)]
pub struct ReadTracker(Mutex<Reads>);

#[derive(Debug, Default)]
struct Reads {
    count: u64,
    files: HashMap<PathBuf, (u64, FileStamp)>,
}

/// What tells that a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Which file it is, of those that have had its name. One that was put in
    /// another's place may have been changed at the very same time.
    pub inode: u64,
    /// When it was last changed, in nanoseconds since 1970: better its `ctime`,
    /// which no program sets, than its `mtime`.
    pub modified_nanos: i128,
    /// Its length in bytes.
    pub length: u64,
}

/// Why a file should be read before it is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaleRead {
    /// This connection has not read it, or so long ago that it is forgotten.
    #[error("it has not been read on this connection; read it first")]
    NeverRead,
    /// It has changed since.
    #[error("it has changed since it was read; read it again")]
    ChangedSince,
}

impl ReadTracker {
    /// The connection has now seen this file as `stamp` has it. The path is
    /// one that always names the same file, such as a canonical one.
    pub fn note(&self, path: impl Into<PathBuf>, stamp: FileStamp) {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.count += 1;
        let count = reads.count;
        reads.files.insert(path.into(), (count, stamp));
        if reads.files.len() > MAX_FILES {
            reads.forget_half();
        }
    }

    /// Whether the connection knows the file as it now is.
    ///
    /// # Errors
    /// [`StaleRead`], which says what to do.
    pub fn check(&self, path: impl AsRef<Path>, now: FileStamp) -> Result<(), StaleRead> {
        let reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reads.files.get(path.as_ref()) {
            None => Err(StaleRead::NeverRead),
            Some((_, then)) if *then != now => Err(StaleRead::ChangedSince),
            Some(_) => Ok(()),
        }
    }
}

impl Reads {
    /// Half at a time, so that looking for the oldest is rare.
    fn forget_half(&mut self) {
        let mut counts: Vec<u64> = self.files.values().map(|(count, _)| *count).collect();
        let (_, middle, _) = counts.select_nth_unstable(MAX_FILES / 2);
        let middle = *middle;
        self.files.retain(|_, (count, _)| *count > middle);
    }
}
