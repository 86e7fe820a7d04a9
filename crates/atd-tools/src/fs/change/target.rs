//! Where a file is, or will be, that a call changes.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use atd_registry::{CallContext, StaleRead};
use cap_std::fs::{Dir, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::draft::Draft;
use super::error::ChangeError;
use super::turns::Turn;
use crate::fs::error::FsError;
use crate::fs::patience::Patience;
use crate::fs::root::{FsRoot, regular};
use crate::fs::seen::Seen;

/// Where a file is or will be, in the hands of one call.
#[derive(Debug)]
pub(in crate::fs) struct Target<'a> {
    root: &'a FsRoot,
    ctx: &'a CallContext,
    patience: &'a Patience<'a>,
    /// The path to it, [resolved](FsRoot::resolve).
    place: PathBuf,
    dir: Dir,
    old: Option<Old>,
    _turn: Turn,
}

/// The file that is there.
#[derive(Debug)]
struct Old {
    #[cfg(feature = "fs-edit")]
    file: cap_std::fs::File,
    metadata: Metadata,
}

impl<'a> Target<'a> {
    /// The regular file that a path leads to, or the place for a new one. Its
    /// directory is there.
    pub(in crate::fs) fn open(
        root: &'a FsRoot,
        path: &str,
        ctx: &'a CallContext,
        patience: &'a Patience<'a>,
    ) -> Result<Self, ChangeError> {
        let place = match root.resolve(path) {
            Err(FsError::NotFound) => place_of_new(root, path)?,
            place => place?,
        };
        let name = name_in(&place)?;
        let turn = Turn::take(root.name_of(&place), patience).ok_or(ChangeError::Busy)?;
        let dir = root.open_dir(directory_of(&place)).map_err(no_directory)?;
        let old = Old::open(&dir, name)?;
        Ok(Self {
            root,
            ctx,
            patience,
            dir,
            old,
            _turn: turn,
            place,
        })
    }

    /// Whether there is a file.
    pub(in crate::fs) fn exists(&self) -> bool {
        self.old.is_some()
    }

    /// Fails if there is a file that the call's connection does not know as it
    /// now is.
    pub(in crate::fs) fn check_seen(&self) -> Result<(), ChangeError> {
        let Some(old) = &self.old else {
            return Ok(());
        };
        Seen::of(&old.metadata)
            .check(self.ctx, self.root, &self.place)
            .map_err(ChangeError::Stale)
    }

    /// What is in the file, if that is not more than `most` bytes.
    #[cfg(feature = "fs-edit")]
    pub(in crate::fs) fn read(&mut self, most: usize) -> Result<Option<Vec<u8>>, ChangeError> {
        use std::io::Read;

        let Some(old) = &mut self.old else {
            return Err(FsError::NotFound.into());
        };
        let most = most as u64;
        if old.metadata.len() > most {
            return Ok(None);
        }
        let mut content = Vec::new();
        (&mut old.file).take(most + 1).read_to_end(&mut content)?;
        Ok((content.len() as u64 <= most).then_some(content))
    }

    /// Puts a file with this content there, in one step: whoever looks sees the
    /// old file or the new one. The call's connection then knows it.
    pub(in crate::fs) fn put(self, content: &[u8]) -> Result<(), ChangeError> {
        let name = Path::new(name_in(&self.place)?);
        let old = self.old.as_ref().map(|old| &old.metadata);
        let mut draft = Draft::begin(&self.dir, old, self.ctx.call_id())?;
        draft.write(content)?;
        // A call that is answered changes nothing any more.
        if self.patience.is_over() {
            return Err(ChangeError::OutOfTime);
        }
        let new = match old {
            None => draft.put_new(name).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => ChangeError::Stale(StaleRead::NeverRead),
                _ => error.into(),
            })?,
            Some(old) => {
                self.check_unchanged(old)?;
                draft.put_over(name)?
            }
        };
        Seen::of(&new).note(self.ctx, self.root, &self.place);
        Ok(())
    }

    /// Fails if somebody has changed the file or put another in its place. He
    /// who does it between this and the change is not noticed.
    fn check_unchanged(&self, old: &Metadata) -> Result<(), ChangeError> {
        let now = self.dir.symlink_metadata(name_in(&self.place)?)?;
        if (now.dev(), Seen::of(&now)) == (old.dev(), Seen::of(old)) {
            Ok(())
        } else {
            Err(ChangeError::Stale(StaleRead::ChangedSince))
        }
    }
}

impl Old {
    /// Opens the file of that name, if there is one, to read and to write: it
    /// is changed by whoever may write to it, not by whoever may write to its
    /// directory. It does not wait.
    fn open(dir: &Dir, name: &OsStr) -> Result<Option<Self>, FsError> {
        let found = match dir.symlink_metadata(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        regular(&found)?;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(flags.bits().cast_signed());
        let file = dir.open_with(name, &options)?;
        let metadata = file.metadata()?;
        regular(&metadata)?;
        Ok(Some(Self {
            #[cfg(feature = "fs-edit")]
            file,
            metadata,
        }))
    }
}

/// The place of a file that does not exist.
fn place_of_new(root: &FsRoot, path: &str) -> Result<PathBuf, ChangeError> {
    let (directory, name) = split(path)?;
    let directory = root.resolve(directory).map_err(no_directory)?;
    Ok(directory.join(name))
}

/// A path to a file as the path to its directory and the file's name.
pub(in crate::fs) fn split(path: &str) -> Result<(&str, &str), FsError> {
    let (directory, name) = match path.rsplit_once('/') {
        None => (".", path),
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
    };
    match name {
        "" | "." | ".." => Err(FsError::NotAFile),
        name => Ok((directory, name)),
    }
}

pub(in crate::fs) fn no_directory(error: FsError) -> ChangeError {
    match error {
        FsError::NotFound => ChangeError::NoDirectory,
        error => error.into(),
    }
}

fn name_in(place: &Path) -> Result<&OsStr, FsError> {
    place.file_name().ok_or(FsError::NotAFile)
}

fn directory_of(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
