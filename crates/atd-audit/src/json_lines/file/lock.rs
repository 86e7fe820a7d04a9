//! One writer a log.

use std::{fs::File, io, path::Path};

use super::disk::{Disk, Handle};
use crate::segments::identity;

/// Opens the file at `path` to append to it, and locks it.
///
/// The lock is on the file, not on its name: who got it may find that the file
/// was rotated away meanwhile, and then begins again.
pub(in crate::json_lines) fn open_locked(disk: &Disk, path: &Path) -> io::Result<Handle> {
    loop {
        let handle = disk.append(path)?;
        let opened = handle.file().metadata()?;
        if !opened.is_file() {
            return Ok(handle);
        }
        handle.lock(path)?;
        let is_there = match path.metadata() {
            Ok(found) => identity(&found) == identity(&opened),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_there {
            return Ok(handle);
        }
    }
}

/// Locks a file for as long as it is open.
#[cfg(unix)]
pub(super) fn take(file: &File, path: &Path) -> io::Result<()> {
    use rustix::{
        fs::{FlockOperation, flock},
        io::Errno,
    };

    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!(
                "{} is being written to by another process or another sink; a log has one writer",
                path.display()
            ),
        )),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
pub(super) fn take(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}
