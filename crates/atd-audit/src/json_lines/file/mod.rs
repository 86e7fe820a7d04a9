//! A log in a file: opened without harm to what it holds, rotated, kept.

mod disk;
mod lock;
mod tail;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

#[cfg(feature = "test-util")]
pub use self::disk::{FileFaults, FileOperation};
pub(super) use self::{
    disk::{Disk, Handle},
    lock::open_locked,
    tail::Tail,
};
use crate::{
    Retention, Rotation,
    segments::{self, SegmentName, identity},
};

/// What time it is.
#[derive(Clone)]
pub(super) struct Clock(pub(super) Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What is done with the files of a log.
#[derive(Debug, Clone)]
pub(super) struct Upkeep {
    pub(super) rotation: Rotation,
    pub(super) retention: Retention,
    /// Whether a change is on disk before it counts.
    pub(super) durable: bool,
    /// Whether a device or a pipe will not do.
    pub(super) needs_regular: bool,
    /// Whether the lines are chained.
    pub(super) chained: bool,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
}

/// The file at a log's path, open to be appended to, and the segments beside.
pub(super) struct LogFile {
    /// As it was given.
    named: PathBuf,
    /// Where that leads to: the segments are there too.
    path: PathBuf,
    handle: Handle,
    upkeep: Upkeep,
    /// Whether it is neither a device nor a pipe.
    is_regular: bool,
    length: u64,
    /// How much of it is known to be on disk.
    synced: u64,
    begun: SystemTime,
    /// A sync failed: nothing more goes into this file.
    is_distrusted: bool,
    /// That the file is in the directory is on disk.
    is_directory_synced: bool,
    /// A rotation failed: the next one is tried at this length.
    rotate_from: u64,
}

/// How much is written before a rotation that failed is tried again.
const ROTATE_AGAIN_AFTER: u64 = 1024 * 1024;

impl LogFile {
    /// Opens the log at `path`; what it ends in comes with it.
    pub(super) fn open(named: &Path, upkeep: Upkeep) -> io::Result<(Self, Tail)> {
        let log = Self::at(named, upkeep)?;
        if !log.is_regular {
            return Ok((log, Tail::default()));
        }
        log.undo_rotation()?;
        let tail = tail::read(&log.path, log.upkeep.chained)?;
        if log.upkeep.durable {
            log.handle.sync()?;
            let directory = segments::directory(&log.path);
            log.upkeep.disk.sync_directory(directory)?;
        }
        Ok((log, tail))
    }

    /// Opens the file that the name leads to.
    fn at(named: &Path, upkeep: Upkeep) -> io::Result<Self> {
        let handle = open_locked(&upkeep.disk, named)?;
        let found = handle.file().metadata()?;
        let is_regular = found.is_file();
        if upkeep.needs_regular && !is_regular {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is no regular file: it can neither be rotated nor synced",
                    named.display()
                ),
            ));
        }
        let is_link = fs::symlink_metadata(named).is_ok_and(|found| found.is_symlink());
        let path = if is_link && is_regular {
            fs::canonicalize(named)?
        } else {
            named.to_owned()
        };
        let begun = found.created().or_else(|_| found.modified());
        Ok(Self {
            named: named.to_owned(),
            path,
            length: found.len(),
            // What an earlier process wrote is not ours to take out again.
            synced: found.len(),
            begun: begun.unwrap_or_else(|_| (upkeep.clock.0)()),
            handle,
            is_regular,
            upkeep,
            is_distrusted: false,
            is_directory_synced: true,
            rotate_from: 0,
        })
    }

    pub(super) fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Whether what comes next goes into another file.
    pub(super) fn is_distrusted(&self) -> bool {
        self.is_distrusted
    }

    /// After how many bytes the segment ends; `None` for never.
    pub(super) fn room(&self) -> Option<u64> {
        if self.length < self.rotate_from {
            return None;
        }
        let Rotation { max_bytes, max_age } = self.upkeep.rotation;
        let is_old = max_age.is_some_and(|age| {
            let now = (self.upkeep.clock.0)();
            now.duration_since(self.begun).is_ok_and(|past| past >= age)
        });
        if is_old {
            return Some(0);
        }
        max_bytes.map(|limit| limit.get().saturating_sub(self.length))
    }

    /// Puts everything written so far on disk. If that fails, nothing more is
    /// written to this file.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.is_distrusted {
            // To ask again could be answered with a yes that is none.
            return Err(io::Error::other("an earlier sync of the file failed"));
        }
        if !self.is_directory_synced {
            let directory = segments::directory(&self.path);
            self.upkeep.disk.sync_directory(directory)?;
            self.is_directory_synced = true;
        }
        if !self.is_regular || self.synced == self.length {
            return Ok(());
        }
        self.handle.sync().inspect_err(|error| {
            self.is_distrusted = error.kind() != io::ErrorKind::Interrupted;
        })?;
        self.synced = self.length;
        Ok(())
    }

    /// Takes out again what was written since the last sync that succeeded.
    pub(super) fn discard_unsynced(&mut self) -> io::Result<()> {
        let to = self.synced;
        // What cannot be taken out now is not taken out later: its lines have
        // their numbers.
        self.synced = self.length;
        // Never longer: somebody else may have cut it.
        let length = self.handle.file().metadata()?.len().min(to);
        self.handle.truncate(length)?;
        (self.length, self.synced) = (length, length);
        Ok(())
    }

    /// Rotates the file away and begins a new one. What is in it was synced if
    /// it is to be.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.begin_next()
            .inspect_err(|_| self.rotate_from = self.length + ROTATE_AGAIN_AFTER)
    }

    /// Deletes the segments that are not kept any longer; never the newest,
    /// from which the chain goes on.
    pub(super) fn prune(&self) -> io::Result<()> {
        let Retention {
            max_segments,
            max_total_bytes,
        } = self.upkeep.retention;
        if max_segments.is_none() && max_total_bytes.is_none() {
            return Ok(());
        }
        let mut kept = 0;
        let mut bytes = self.length;
        for (_, segment) in segments::rotated(&self.path)?.iter().rev() {
            bytes += fs::metadata(segment).map_or(0, |found| found.len());
            let is_kept = kept == 0
                || (max_segments.is_none_or(|limit| kept < limit.get())
                    && max_total_bytes.is_none_or(|limit| bytes <= limit.get()));
            if is_kept {
                kept += 1;
            } else {
                self.upkeep.disk.remove(segment)?;
            }
        }
        Ok(())
    }

    /// Opens the log's name anew, where another file may be by now; whether one
    /// is. That goes on from a line of its own, and with the chain of this one.
    pub(super) fn reopen(&mut self) -> io::Result<bool> {
        let here = identity(&self.handle.file().metadata()?);
        match fs::metadata(&self.named) {
            Ok(found) if here.is_some() && identity(&found) == here => return Ok(false),
            _ => {}
        }
        let mut next = Self::at(&self.named, self.upkeep.clone())?;
        if next.is_regular {
            let tail = tail::of_file(&next.path)?;
            if tail.is_chained {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("{} has a chain of its own", next.path.display()),
                ));
            }
            if tail.is_torn {
                next.handle.write_all(b"\n")?;
                next.length += 1;
            }
        }
        next.is_directory_synced = !(next.upkeep.durable && next.is_regular);
        *self = next;
        Ok(true)
    }

    /// Puts a new file in the place of this one, which becomes a segment.
    ///
    /// The log's path is never without a file, and never has one that is not
    /// locked: first the new file is made under another name, then this one
    /// gets its second name, then the new one takes the first.
    fn begin_next(&mut self) -> io::Result<()> {
        let here = identity(&self.handle.file().metadata()?);
        let found = fs::metadata(&self.path).ok();
        if found.and_then(|found| identity(&found)) != here {
            // Somebody else has rotated it.
            return self.reopen().map(drop);
        }
        self.undo_rotation()?;
        let disk = self.upkeep.disk.clone();
        let now = (self.upkeep.clock.0)();
        let newest = segments::rotated(&self.path)?.last().map(|(name, _)| *name);
        let segment = SegmentName::next(newest, now).path(&self.path);
        let next = self.next_path();

        let handle = disk.create(&next)?;
        handle.lock(&self.path)?;
        // A file with nothing in it makes no segment.
        if self.length > 0 {
            disk.link(&self.path, &segment)?;
        }
        if let Err(error) = disk.rename(&next, &self.path) {
            // As before, as far as can be.
            if fs::symlink_metadata(&self.path).is_ok() {
                let _ = disk.remove(&segment);
            } else {
                let _ = disk.rename(&segment, &self.path);
            }
            return Err(error);
        }
        self.handle = handle;
        (self.length, self.synced, self.begun) = (0, 0, now);
        (self.is_distrusted, self.rotate_from) = (false, 0);
        // Made good by the next sync, if it fails now.
        self.is_directory_synced =
            !self.upkeep.durable || disk.sync_directory(segments::directory(&self.path)).is_ok();
        Ok(())
    }

    /// Takes back what is left of a rotation that did not come to its end.
    fn undo_rotation(&self) -> io::Result<()> {
        self.upkeep.disk.remove(&self.next_path())?;
        let here = identity(&self.handle.file().metadata()?);
        for (_, segment) in segments::rotated(&self.path)?.iter().rev() {
            let other = identity(&fs::metadata(segment)?);
            if other.is_some() && other == here {
                self.upkeep.disk.remove(segment)?;
            }
        }
        Ok(())
    }

    /// What the next file is called until it is the log's.
    fn next_path(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        self.path.with_file_name(name)
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_distrusted {
            self.begin_next()?;
        }
        let taken = self.handle.write(bytes)?;
        self.length += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}

/// The file at `path`, opened to be read.
pub(super) fn to_read(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
