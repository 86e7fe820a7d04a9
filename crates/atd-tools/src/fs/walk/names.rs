//! The names in a directory, some at a time.

use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::Bound;
use std::vec;

use cap_std::fs::{DirEntry, FileType, ReadDir};

use crate::fs::patience::Patience;

/// How many names are read before it is asked whether to go on.
const UNASKED: usize = 1024;

/// The first names of a part of a directory, in order.
pub(super) struct Names {
    names: vec::IntoIter<Name>,
    /// The last of them, if there are more.
    last_if_more: Option<OsString>,
}

/// A name in a directory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) name: OsString,
    pub(super) kind: Kind,
}

/// What has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    File,
    Directory,
}

/// What else is in the directory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) ignore: bool,
    pub(super) gitignore: bool,
    pub(super) git: bool,
}

impl Names {
    /// Reads all of a directory, and holds the first `most` of the names of
    /// files and directories from `start` on. None when patience is over.
    pub(super) fn list(
        entries: ReadDir,
        start: Bound<&OsStr>,
        most: usize,
        patience: &Patience<'_>,
    ) -> io::Result<Option<(Self, Found)>> {
        let mut first: BinaryHeap<Name> = BinaryHeap::new();
        let mut found = Found::default();
        let mut more = false;
        for (index, entry) in entries.enumerate() {
            if index % UNASKED == 0 && patience.is_over() {
                return Ok(None);
            }
            let entry = entry?;
            let name = entry.file_name();
            found.note(&name);
            if !is_from(start, &name) {
                continue;
            }
            if first.len() >= most && first.peek().is_some_and(|last| last.name < name) {
                more = true;
                continue;
            }
            if let Some(kind) = kind_of(&entry) {
                first.push(Name { name, kind });
            }
            if first.len() > most {
                first.pop();
                more = true;
            }
        }
        let last = first.peek().map(|last| last.name.clone());
        let names = Self {
            names: first.into_sorted_vec().into_iter(),
            last_if_more: last.filter(|_| more),
        };
        Ok(Some((names, found)))
    }

    pub(super) fn next(&mut self) -> Option<Name> {
        self.names.next()
    }

    /// How many are left.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The last of the names that were held, if the directory has more.
    pub(super) fn last_if_more(&mut self) -> Option<OsString> {
        self.last_if_more.take()
    }
}

impl Found {
    fn note(&mut self, name: &OsStr) {
        self.ignore |= name == ".ignore";
        self.gitignore |= name == ".gitignore";
        self.git |= name == ".git";
    }
}

fn is_from(start: Bound<&OsStr>, name: &OsStr) -> bool {
    match start {
        Bound::Included(first) => name >= first,
        Bound::Excluded(last) => name > last,
        Bound::Unbounded => true,
    }
}

/// What is looked at: no links, and nothing that is not to be read.
fn kind_of(entry: &DirEntry) -> Option<Kind> {
    let kind = |found: FileType| {
        if found.is_dir() {
            Some(Kind::Directory)
        } else {
            found.is_file().then_some(Kind::File)
        }
    };
    let found = entry.file_type().ok()?;
    if found.is_symlink() {
        return None;
    }
    // Some file systems do not tell it with the name.
    kind(found).or_else(|| kind(entry.metadata().ok()?.file_type()))
}
