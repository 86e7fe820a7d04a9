//! A file that nobody sees before it is whole.

use std::io::{self, Write};
use std::path::Path;

use atd_registry::CallId;
use cap_std::fs::PermissionsExt;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt, Permissions};
use rustix::fs::{Gid, RenameFlags, Uid, fchown, renameat_with};
use rustix::io::Errno;

/// What a new file may have of permissions; the process's umask takes from it.
const NEW: u32 = 0o644;

/// What is kept of an old file's mode. As when a file is written to, what would
/// run it as somebody else is not.
const KEPT: u32 = 0o1777;

/// A file that is written in the directory where it will be, and has no name
/// there before it is whole. Where the system has no such files it has one of
/// its own, which goes with it.
///
/// Whoever is killed leaves the old file or the new one. A killed process leaves
/// something beside it only if it dies between two calls to the system that
/// follow on each other; where files cannot be without a name, if it dies while
/// writing.
#[derive(Debug)]
pub(super) struct Draft<'d> {
    dir: &'d Dir,
    file: File,
    /// Its name for the time being.
    name: Option<String>,
    /// The name that it has when it needs one.
    spare: String,
}

impl<'d> Draft<'d> {
    /// Begins a file in `dir`, in the place of `old` if there is one.
    pub(super) fn begin(dir: &'d Dir, old: Option<&Metadata>, call: CallId) -> io::Result<Self> {
        let spare = format!(".{call}.atd-tmp");
        let mode = if old.is_some() { 0o600 } else { NEW };
        let unnamed = unnamed::open(dir, mode);
        let name = unnamed.is_none().then(|| spare.clone());
        let file = match unnamed {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(mode);
                dir.open_with(&spare, &options)?
            }
        };
        let draft = Self {
            dir,
            file,
            name,
            spare,
        };
        if let Some(old) = old {
            draft.take_after(old)?;
        }
        Ok(draft)
    }

    /// Gives it the old file's mode, and its owner and group as far as the
    /// system lets us. Where it is not the same group, that gets no more than
    /// everybody had.
    fn take_after(&self, old: &Metadata) -> io::Result<()> {
        let own = self.file.metadata()?;
        let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
        let is_same = (own.uid(), own.gid()) == (old.uid(), old.gid());
        let has_group = is_same
            || fchown(&self.file, Some(owner), Some(group)).is_ok()
            || own.gid() == old.gid()
            || fchown(&self.file, None, Some(group)).is_ok();
        let mut mode = old.mode() & KEPT;
        if !has_group {
            mode = mode & !0o070 | (mode & 0o007) << 3;
        }
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Writes the whole of it, to the disk.
    pub(super) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)?;
        self.file.sync_all()
    }

    /// Gives it the name, which must not be taken.
    pub(super) fn put_new(mut self, name: &Path) -> io::Result<Metadata> {
        match self.name.take() {
            None => unnamed::link(&self.file, self.dir, name)?,
            Some(own) => {
                let flags = RenameFlags::NOREPLACE;
                let renamed = renameat_with(self.dir, &own, self.dir, name, flags);
                if renamed.is_err() {
                    self.name = Some(own.clone());
                }
                match renamed {
                    // Some file systems know no such flag.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                        self.dir.hard_link(&own, self.dir, name)?;
                    }
                    renamed => renamed?,
                }
            }
        }
        self.placed()
    }

    /// Puts it in the place of the file of that name.
    pub(super) fn put_over(mut self, name: &Path) -> io::Result<Metadata> {
        if self.name.is_none() {
            unnamed::link(&self.file, self.dir, Path::new(&self.spare))?;
            self.name = Some(self.spare.clone());
        }
        self.dir.rename(&self.spare, self.dir, name)?;
        self.name = None;
        self.placed()
    }

    fn placed(&self) -> io::Result<Metadata> {
        // The change is made. Whether it outlives a power failure is told by
        // nobody who cannot open or sync the directory.
        let _ = self.dir.open(".").and_then(|dir| dir.sync_all());
        self.file.metadata()
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nobody is left to be told.
            let _ = self.dir.remove_file(name);
        }
    }
}

/// Files without a name, as Linux has them.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use cap_std::fs::{Dir, File};
    use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, access, linkat, openat};

    /// One, where the file system has them and it can be given a name later.
    pub(super) fn open(dir: &Dir, mode: u32) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(dir, ".", flags, Mode::from_raw_mode(mode)).ok()?;
        let file = File::from(file);
        access(path_of(&file), Access::EXISTS).ok()?;
        Some(file)
    }

    pub(super) fn link(file: &File, dir: &Dir, name: &Path) -> io::Result<()> {
        let flags = AtFlags::SYMLINK_FOLLOW;
        Ok(linkat(CWD, path_of(file), dir, name, flags)?)
    }

    fn path_of(file: &File) -> String {
        format!("/proc/self/fd/{}", file.as_raw_fd())
    }
}

#[cfg(not(target_os = "linux"))]
mod unnamed {
    use std::io;
    use std::path::Path;

    use cap_std::fs::{Dir, File};

    pub(super) fn open(_: &Dir, _: u32) -> Option<File> {
        None
    }

    pub(super) fn link(_: &File, _: &Dir, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
