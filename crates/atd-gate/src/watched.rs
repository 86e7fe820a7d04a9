//! A file that is read again when it has changed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

/// How often the file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A file that is looked at when it is used, at most twice a second, and read
/// when something about it has changed. No thread waits for it.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    limit: u64,
    /// Nanoseconds of the gate's clock.
    next_look: AtomicU64,
    seen: Mutex<Option<Mark>>,
}

/// What tells one state of a file from another. The change time cannot be set
/// back by who writes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl Watched {
    /// A file of at most `limit` bytes. It is first read by [`read`](Self::read).
    pub(crate) fn new(path: &Path, limit: u64) -> Self {
        Self {
            path: path.to_owned(),
            limit,
            next_look: AtomicU64::new(0),
            seen: Mutex::new(None),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's text, if it is due to be looked at and has changed since it
    /// was last read. Only one of several callers at a time looks.
    pub(crate) fn changed(&self, now: Duration) -> Option<io::Result<String>> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let due = self.next_look.load(Ordering::Relaxed);
        if nanos(now) < due {
            return None;
        }
        let next = nanos(now.saturating_add(LOOK_EVERY));
        self.next_look
            .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
            .ok()?;
        let mark = std::fs::metadata(&self.path).map(|found| Mark::of(&found));
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match mark {
            Ok(mark) if seen == Some(mark) => None,
            // That it is gone is told once.
            Err(_) if seen.is_none() => None,
            _ => Some(self.read()),
        }
    }

    /// The file's text.
    pub(crate) fn read(&self) -> io::Result<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = None;
        // A pipe that nobody writes to would have the thread wait for ever.
        let how = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(&self.path, how, Mode::empty())?);
        let before = file.metadata()?;
        if !before.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let mut text = String::new();
        let read = file.take(self.limit + 1).read_to_string(&mut text)?;
        if read as u64 > self.limit {
            let message = format!("it is longer than {} bytes", self.limit);
            return Err(io::Error::other(message));
        }
        // Of a file that was written meanwhile the next look sees the change.
        *seen = Some(Mark::of(&before));
        Ok(text)
    }
}
