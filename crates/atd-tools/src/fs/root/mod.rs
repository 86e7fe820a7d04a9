//! The directory that the file tools work in.

#[cfg(any(feature = "fs-edit", feature = "fs-write"))]
mod change;
#[cfg(any(feature = "fs-glob", feature = "fs-grep"))]
mod search;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::error::FsError;

/// The directory that the file tools work in. They reach nothing outside of
/// it: `..` and symbolic links are followed as long as they stay below it,
/// while they are resolved, not before. Cheap to clone; the tools of one
/// server share it.
///
/// - A path is relative to it. An absolute path is taken for the part below
///   the root where it begins with the path that the root was opened by, or
///   with that path's canonical form, name by name; any other is outside.
///   (Who guesses the root's path is told so by what comes back. No message
///   says it.)
/// - A symbolic link whose target is absolute leads outside, even to a target
///   below the root.
/// - The directory is opened once. It stays the root when it is renamed or
///   another one takes its name.
/// - A hard link or a mount below the root is below the root, whatever else it
///   is: keep those who may make one out of it.
#[derive(Clone, Debug)]
pub struct FsRoot(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    dir: Dir,
    /// What an absolute path below it may begin with.
    names: [PathBuf; 2],
}

impl FsRoot {
    /// Opens `path`, a directory, as the root.
    ///
    /// # Errors
    /// What the system says when there is no such directory or it may not be
    /// opened.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let names = [std::path::absolute(&path)?, std::fs::canonicalize(&path)?];
        let dir = Dir::open_ambient_dir(&names[1], ambient_authority())?;
        Ok(Self(Arc::new(Opened { dir, names })))
    }

    /// Opens a regular file below the root for reading. It does not wait, and
    /// nothing else is left open.
    pub(super) fn open_file(&self, path: &str) -> Result<File, FsError> {
        self.open_at(self.below(path)?)
    }

    /// Where a path leads: a path below the root that holds neither `..` nor
    /// links, and is the same for all that lead there. The root is `.`.
    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, FsError> {
        let path = self.below(path)?;
        for _ in 0..RESOLVE_TRIES {
            let place = self.0.dir.canonicalize(path)?;
            if !place.as_os_str().as_bytes().ends_with(REPLACED) || self.is_one(path, &place) {
                return Ok(place);
            }
        }
        Err(FsError::NotFound)
    }

    /// Whether both lead to the same file.
    fn is_one(&self, path: &Path, place: &Path) -> bool {
        let (Ok(one), Ok(other)) = (self.0.dir.metadata(path), self.0.dir.metadata(place)) else {
            return false;
        };
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    /// A name of the file at a resolved path that is told from the names of all
    /// other files, of this root and of others.
    pub(super) fn name_of(&self, place: &Path) -> PathBuf {
        self.0.names[1].join(place)
    }

    fn open_at(&self, path: &Path) -> Result<File, FsError> {
        // To open a FIFO or a device is to do something to it, so one look is
        // taken before. What counts is the look at what was opened.
        regular(&self.0.dir.metadata(path)?)?;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = self.0.dir.open_with(path, &options)?;
        regular(&file.metadata()?)?;
        Ok(file)
    }

    /// The part of `path` that is below the root.
    fn below<'a>(&self, path: &'a str) -> Result<&'a Path, FsError> {
        if path.contains('\0') {
            return Err(FsError::NulInPath);
        }
        let path = Path::new(path);
        let names = self.0.names.iter();
        let below = names.filter_map(|name| path.strip_prefix(name).ok()).next();
        Ok(match below {
            Some(below) if below.as_os_str().is_empty() => Path::new("."),
            Some(below) => below,
            None => path,
        })
    }
}

/// What Linux puts behind the name of a file that another one has replaced
/// while its name was looked for.
const REPLACED: &[u8] = b" (deleted)";

/// How often a name is looked for that others replace meanwhile.
const RESOLVE_TRIES: usize = 1000;

pub(in crate::fs) fn regular(metadata: &Metadata) -> Result<(), FsError> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(FsError::NotAFile)
    }
}
