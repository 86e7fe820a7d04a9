//! The operations on files that can fail, each in one place, so that a test
//! can have each of them fail.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

/// One operation on a file of a log or of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    not(feature = "test-util"),
    expect(unreachable_pub, reason = "it is for tests")
)]
pub enum FileOperation {
    /// Bytes are written.
    Write,
    /// What was written is put on disk.
    Sync,
    /// The end of a file is cut off.
    Truncate,
    /// A file is made.
    Create,
    /// A file is given a second name, or another one.
    Rename,
    /// A file is deleted.
    Remove,
}

/// Faults of a disk, for tests.
#[cfg_attr(
    not(feature = "test-util"),
    expect(unreachable_pub, reason = "it is for tests")
)]
pub trait FileFaults: Send + Sync {
    /// Comes before each operation: how many bytes a write takes at most.
    ///
    /// # Errors
    /// What the operation fails with, without having done anything.
    fn before(&self, operation: FileOperation) -> io::Result<usize>;
}

/// Where files are.
#[derive(Clone, Default)]
pub(in crate::json_lines) struct Disk {
    pub(in crate::json_lines) faults: Option<Arc<dyn FileFaults>>,
}

impl Disk {
    /// Opens a file to append to it. One that is made can be read and written
    /// by its owner alone.
    pub(in crate::json_lines) fn append(&self, path: &Path) -> io::Result<Handle> {
        self.open(path, OpenOptions::new().append(true).create(true))
    }

    /// Makes a file that is not there yet, to append to it.
    pub(in crate::json_lines) fn create(&self, path: &Path) -> io::Result<Handle> {
        self.open(path, OpenOptions::new().append(true).create_new(true))
    }

    fn open(&self, path: &Path, options: &mut OpenOptions) -> io::Result<Handle> {
        self.before(FileOperation::Create)?;
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
        Ok(Handle {
            file: options.open(path)?,
            disk: self.clone(),
        })
    }

    /// Gives the file at `path` a second name, which must be free.
    pub(in crate::json_lines) fn link(&self, path: &Path, other: &Path) -> io::Result<()> {
        self.before(FileOperation::Rename)?;
        match fs::hard_link(path, other) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // Some file systems know one name a file. No other process
                // takes the name meanwhile: the log is locked.
                match fs::symlink_metadata(other) {
                    Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                        fs::rename(path, other)
                    }
                    _ => Err(error),
                }
            }
            linked => linked,
        }
    }

    /// Gives the file at `from` the name `to`, and takes it from any other.
    pub(in crate::json_lines) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(FileOperation::Rename)?;
        fs::rename(from, to)
    }

    /// Deletes a file; one that is not there is no error.
    pub(in crate::json_lines) fn remove(&self, path: &Path) -> io::Result<()> {
        self.before(FileOperation::Remove)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Puts on disk which files a directory holds.
    pub(in crate::json_lines) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.before(FileOperation::Sync)?;
        if cfg!(unix) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    }

    fn before(&self, operation: FileOperation) -> io::Result<usize> {
        match &self.faults {
            Some(faults) => faults.before(operation),
            None => Ok(usize::MAX),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

/// A file that is open.
pub(in crate::json_lines) struct Handle {
    pub(super) file: File,
    disk: Disk,
}

impl Handle {
    pub(in crate::json_lines) fn sync(&self) -> io::Result<()> {
        self.disk.before(FileOperation::Sync)?;
        self.file.sync_data()
    }

    pub(super) fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.before(FileOperation::Truncate)?;
        self.file.set_len(length)
    }

    pub(in crate::json_lines) fn lock(&self, path: &Path) -> io::Result<()> {
        super::lock::take(&self.file, path)
    }

    pub(in crate::json_lines) fn file(&self) -> &File {
        &self.file
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at_most = self.disk.before(FileOperation::Write)?;
        self.file.write(&bytes[..bytes.len().min(at_most)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
