//! The files that a configuration was read from, to see when they change.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest file that is read, and all files together, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_TOTAL: u64 = 64 * 1024 * 1024;

/// The most entries of a directory.
const MAX_ENTRIES: usize = 4096;

/// The right of everybody to write.
const WRITABLE_BY_ALL: u32 = 0o002;

/// What was read, each in the state that it had then.
#[derive(Debug, Default)]
pub(crate) struct Files {
    states: RefCell<States>,
    bytes: Cell<u64>,
}

/// Paths, and the state of what is there.
pub(crate) type States = BTreeMap<PathBuf, Option<State>>;

/// What tells one state of a file or directory from another. The change time
/// cannot be set back by who writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
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

impl Files {
    /// The text of a file.
    pub(crate) fn text(&self, path: &Path) -> io::Result<String> {
        // Opening a pipe would wait for who writes to it.
        let found = self.look_at(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        keep_others_out(&found)?;
        let left = MAX_TOTAL.saturating_sub(self.bytes.get());
        let most = left.min(MAX_BYTES);
        let mut text = String::new();
        let mut file = File::open(path)?.take(most + 1);
        let read = file.read_to_string(&mut text)? as u64;
        if read > most {
            let message = match most {
                MAX_BYTES => format!("it is longer than {MAX_BYTES} bytes"),
                _ => format!("all files together are longer than {MAX_TOTAL} bytes"),
            };
            return Err(io::Error::other(message));
        }
        self.bytes.set(self.bytes.get() + read);
        Ok(text)
    }

    /// The files of a directory whose names end so, by name; hidden ones are
    /// left out.
    pub(crate) fn list(&self, directory: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
        keep_others_out(&self.look_at(directory)?)?;
        let mut files = Vec::new();
        for (n, entry) in fs::read_dir(directory)?.enumerate() {
            if n == MAX_ENTRIES {
                let message = format!("it holds more than {MAX_ENTRIES} files");
                return Err(io::Error::other(message));
            }
            let name = entry?.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            let path = directory.join(name);
            if !hidden && path.extension().is_some_and(|it| it == extension) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// What was read, each in the state that it had before that.
    pub(crate) fn into_states(self) -> States {
        self.states.into_inner()
    }

    fn look_at(&self, path: &Path) -> io::Result<Metadata> {
        let found = fs::metadata(path);
        let state = found.as_ref().ok().map(State::of);
        // Of a file that is read twice and changed between, the first state
        // stays: the next look sees the change.
        let mut states = self.states.borrow_mut();
        states.entry(path.to_owned()).or_insert(state);
        found
    }
}

/// Who may write to a file that is read here says which programs this user
/// runs, so it should not be everybody.
fn keep_others_out(found: &Metadata) -> io::Result<()> {
    if found.mode() & WRITABLE_BY_ALL != 0 {
        let message = "everybody may write to it: chmod o-w keeps them out";
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// The state that the same paths have now.
pub(crate) fn states_now(of: &States) -> States {
    let now = |path: &PathBuf| fs::metadata(path).ok().map(|found| State::of(&found));
    of.keys().map(|path| (path.clone(), now(path))).collect()
}
