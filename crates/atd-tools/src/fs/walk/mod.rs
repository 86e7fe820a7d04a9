//! The files below a directory, in an order that can be gone on with.

mod error;
mod ignores;
mod names;
mod pattern;

use std::ffi::OsStr;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

pub(super) use self::error::SearchError;
use self::ignores::{Ignores, Rules};
use self::names::{Kind, Names};
pub(super) use self::pattern::Pattern;
use super::patience::Patience;
use super::root::FsRoot;

/// How many directories deep it goes.
const DEEPEST: usize = 128;

/// How many names it holds at a time, but for [`FEWEST`] of each directory that
/// it is in.
const MOST_NAMES: usize = 64 * 1024;

/// How many names of a directory it holds at least.
const FEWEST: usize = 256;

/// How many entries it looks at before it asks whether to go on.
const UNASKED: u32 = 64;

/// What is passed over.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// Below which path all is that is looked for. What is on the way there is
    /// not hidden.
    pub(super) within: PathBuf,
    /// Whether names that begin with a dot are not.
    pub(super) hidden: bool,
    /// Whether what ignore files name is not.
    pub(super) ignored: bool,
}

/// The regular files below a directory of the root, depth first and by name.
///
/// Links are not followed and directories are opened by their whole path below
/// the root, one at a time: whatever is put in a directory's place, what comes
/// of it is below the root. Of a directory that has more names than are held,
/// the first are taken, and then the next.
pub(super) struct Walk<'a> {
    root: &'a FsRoot,
    patience: &'a Patience<'a>,
    filter: Filter,
    base: PathBuf,
    /// Where to begin, if not at the beginning.
    from: Option<PathBuf>,
    has_begun: bool,
    /// The directories on the way to where it is.
    levels: Vec<Level>,
    ignores: Ignores,
    unasked: u32,
    /// How many directories it could not look into.
    skipped: u64,
}

struct Level {
    path: PathBuf,
    names: Names,
    rules: Rules,
}

/// Where a walk came to. Paths are [resolved](FsRoot::resolve).
#[derive(Debug)]
pub(super) enum Step {
    /// A file.
    File(PathBuf),
    /// The end.
    End,
    /// Neither in time. A walk from here goes on with what is left.
    GivenUp(PathBuf),
}

impl<'a> Walk<'a> {
    /// A walk through `base`, the resolved path of a directory, from `from` on,
    /// a path below it.
    pub(super) fn new(
        root: &'a FsRoot,
        base: PathBuf,
        from: Option<PathBuf>,
        filter: Filter,
        patience: &'a Patience<'a>,
    ) -> Self {
        let ignores = match filter.ignored {
            true => Ignores::none(),
            false => Ignores::above(root, &base, patience),
        };
        Self {
            root,
            patience,
            filter,
            base,
            from,
            has_begun: false,
            levels: Vec::new(),
            ignores,
            unasked: 0,
            skipped: 0,
        }
    }

    /// How many directories could not be looked into so far.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Goes to the next file.
    ///
    /// # Errors
    /// What the system says of the directory that it begins in. Of others, it
    /// counts those that it may not look into.
    pub(super) fn next(&mut self) -> io::Result<Step> {
        if !self.has_begun {
            self.has_begun = true;
            if !self.enter(self.base.clone())? {
                return Ok(self.given_up(self.base.clone()));
            }
        }
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(Step::End);
            };
            let Some(name) = level.names.next() else {
                if let Some(at) = self.leave_or_list_on() {
                    return Ok(self.given_up(at));
                }
                continue;
            };
            let path = level.path.join(&name.name);
            if self.is_over() {
                return Ok(self.given_up(path));
            }
            if self.passes_over(&path, &name.name, name.kind) {
                continue;
            }
            match name.kind {
                Kind::File => return Ok(Step::File(path)),
                Kind::Directory if self.levels.len() > DEEPEST => self.skipped += 1,
                Kind::Directory => match self.enter(path.clone()) {
                    Ok(true) => {}
                    Ok(false) => return Ok(self.given_up(path)),
                    Err(error) => self.skipped += u64::from(!is_gone(&error)),
                },
            }
        }
    }

    /// Who is still on the way to where he was to begin has to go there again.
    fn given_up(&self, at: PathBuf) -> Step {
        match &self.from {
            Some(from) if from.starts_with(&at) => Step::GivenUp(from.clone()),
            _ => Step::GivenUp(at),
        }
    }

    /// Lists a directory; false when there is no time for it.
    fn enter(&mut self, path: PathBuf) -> io::Result<bool> {
        let first = match &self.from {
            Some(from) => from.strip_prefix(&path).ok(),
            None => None,
        };
        let first = first.and_then(|rest| rest.components().next());
        let first = first.map(|first| first.as_os_str().to_owned());
        let start = match &first {
            Some(name) => Bound::Included(name.as_os_str()),
            None => Bound::Unbounded,
        };
        let Some((names, found)) = self.list(&path, start)? else {
            return Ok(false);
        };
        let rules = match self.filter.ignored {
            true => Rules::default(),
            false => {
                let inner = self.levels.iter().map(|level| level.rules.len());
                let held = self.ignores.len() + inner.sum::<usize>();
                Rules::read(self.root, &path, found, held)
            }
        };
        self.levels.push(Level { path, names, rules });
        Ok(true)
    }

    /// Goes on after the names that were held of a directory: to the next of
    /// them, or out of it. Where to go on, if there is no time for it.
    fn leave_or_list_on(&mut self) -> Option<PathBuf> {
        let mut level = self.levels.pop()?;
        let last = level.names.last_if_more()?;
        match self.list(&level.path, Bound::Excluded(&last)) {
            Ok(Some((names, _))) => {
                level.names = names;
                self.levels.push(level);
                None
            }
            Ok(None) => Some(after(&level.path.join(last))),
            Err(error) => {
                self.skipped += u64::from(!is_gone(&error));
                None
            }
        }
    }

    fn list(&self, path: &Path, start: Bound<&OsStr>) -> io::Result<Option<(Names, names::Found)>> {
        let held: usize = self.levels.iter().map(|level| level.names.len()).sum();
        let most = (MOST_NAMES.saturating_sub(held) / 2).max(FEWEST);
        Names::list(self.root.entries(path)?, start, most, self.patience)
    }

    fn passes_over(&self, path: &Path, name: &OsStr, kind: Kind) -> bool {
        let is_on_the_way = self.filter.within.starts_with(path);
        if !is_on_the_way && !path.starts_with(&self.filter.within) {
            return true;
        }
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_hidden && !self.filter.hidden && !is_on_the_way {
            return true;
        }
        if self.filter.ignored {
            return false;
        }
        let inner = self.levels.iter().rev().map(|level| &level.rules);
        name == ".git" || self.ignores.ignore(&inner, path, kind == Kind::Directory)
    }

    fn is_over(&mut self) -> bool {
        if self.unasked > 0 {
            self.unasked -= 1;
            return false;
        }
        self.unasked = UNASKED;
        self.patience.is_over()
    }
}

/// The next path after one and all that is below it. Nothing has it, as no name
/// holds a NUL.
pub(super) fn after(path: &Path) -> PathBuf {
    let mut after = path.as_os_str().to_owned();
    after.push("\0");
    after.into()
}

/// Whether there is nothing any more, or something else.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
