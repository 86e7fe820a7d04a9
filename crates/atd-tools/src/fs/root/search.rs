//! What those need of the root who search it. To them the root is the empty
//! path, to which others are joined.

use std::io;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::{File, ReadDir};

use super::{FsRoot, regular};
use crate::fs::error::FsError;

impl FsRoot {
    /// Where a path leads, as [`resolve`](Self::resolve) says.
    pub(in crate::fs) fn resolve_base(&self, path: &str) -> Result<PathBuf, FsError> {
        let place = self.resolve(path)?;
        let names = place.components();
        Ok(names.filter(|name| *name != Component::CurDir).collect())
    }

    /// What is in the directory there.
    pub(in crate::fs) fn entries(&self, place: &Path) -> io::Result<ReadDir> {
        match place.as_os_str().is_empty() {
            true => self.0.dir.entries(),
            false => self.0.dir.read_dir(place),
        }
    }

    /// Whether there is anything.
    pub(in crate::fs) fn has(&self, place: &Path) -> bool {
        self.0.dir.symlink_metadata(place).is_ok()
    }

    /// Opens the regular file there, as [`open_file`](Self::open_file) does.
    pub(in crate::fs) fn open_place(&self, place: &Path) -> Result<File, FsError> {
        self.open_at(place)
    }

    /// Whether a directory is there, or else a regular file.
    pub(in crate::fs) fn is_directory(&self, place: &Path) -> Result<bool, FsError> {
        let found = match place.as_os_str().is_empty() {
            true => self.0.dir.dir_metadata()?,
            false => self.0.dir.metadata(place)?,
        };
        if found.is_dir() {
            return Ok(true);
        }
        regular(&found).map(|()| false)
    }
}
