//! Where files and sockets go.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// What `statfs` calls a file system that is memory.
const TMPFS: u64 = 0x0102_1994;

/// A folder on a disk for what is written, and one with a short name for
/// sockets, whose paths may not be long. Both are gone at the end.
#[derive(Debug)]
pub(crate) struct Place {
    disk: TempDir,
    sockets: TempDir,
    next: AtomicU64,
}

impl Place {
    /// Folders below `disk`, or beside this program where none is given, and
    /// in the system's place for temporary files.
    ///
    /// # Errors
    /// When `disk` is no disk: an audit log in memory measures something else.
    pub(crate) fn new(disk: Option<&Path>) -> Result<Self> {
        let program = std::env::current_exe()?;
        let disk = disk.or_else(|| program.parent());
        let disk = disk.context("this program lies nowhere: say where with --dir")?;
        let system = rustix::fs::statfs(disk)?;
        if u64::try_from(system.f_type) == Ok(TMPFS) {
            bail!(
                "{} is memory, not a disk: name another folder with --dir",
                disk.display()
            );
        }
        Ok(Self {
            disk: tempfile::tempdir_in(disk)?,
            sockets: tempfile::tempdir()?,
            next: AtomicU64::new(0),
        })
    }

    /// One for what outlives the borrow of this, on the same disk.
    pub(crate) fn another(&self) -> Result<Self> {
        Self::new(self.disk.path().parent())
    }

    /// The folder on a disk.
    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    /// A path for a socket that nothing had before.
    pub(crate) fn socket(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.sockets.path().join(format!("{number}.sock"))
    }
}
