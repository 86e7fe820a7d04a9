//! What those need of the root who change files.

use std::path::Path;

use cap_std::fs::Dir;

use super::FsRoot;
use crate::fs::error::FsError;

impl FsRoot {
    /// Opens the directory at a resolved path.
    pub(in crate::fs) fn open_dir(&self, place: &Path) -> Result<Dir, FsError> {
        Ok(self.0.dir.open_dir(place)?)
    }

    /// Makes the directory that a path leads to, and those above it that are
    /// missing.
    #[cfg(feature = "fs-write")]
    pub(in crate::fs) fn create_dirs(&self, path: &str) -> Result<(), FsError> {
        match self.0.dir.create_dir_all(self.below(path)?) {
            // What is there is something else.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(FsError::NotFound)
            }
            made => Ok(made?),
        }
    }
}
