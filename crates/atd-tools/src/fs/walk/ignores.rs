//! What ignore files name.

use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::names::Found;
use super::pattern::nests_too_deep;
use crate::fs::patience::Patience;
use crate::fs::root::FsRoot;

/// How much of an ignore file is read, in bytes.
const LONGEST: u64 = 128 * 1024;

/// How many rules are held at a time, of all directories that a walk is in. They
/// take about a kilobyte each, and time to be made ready.
const MOST: usize = 4_000;

/// The rules of a directory's own ignore files.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Of `.ignore`.
    own: Option<Gitignore>,
    /// Of `.gitignore`, and then of the repository's `info/exclude`.
    git: [Option<Gitignore>; 2],
    /// Whether a repository begins here: rules of git from further up do not
    /// hold for it.
    is_repository: bool,
}

impl Rules {
    /// Reads them, where they were found, besides so many that are `held`. What
    /// cannot be read or understood rules nothing, nor what there is no room for.
    pub(super) fn read(root: &FsRoot, directory: &Path, found: Found, held: usize) -> Self {
        let mut room = MOST.saturating_sub(held);
        let mut read = |is_there: bool, name: &str| {
            let rules = is_there
                .then(|| rules_in(root, directory, name, room))
                .flatten();
            room -= rules.as_ref().map_or(0, Gitignore::len).min(room);
            rules
        };
        Self {
            own: read(found.ignore, ".ignore"),
            git: [
                read(found.gitignore, ".gitignore"),
                read(found.git, ".git/info/exclude"),
            ],
            is_repository: found.git,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let all = self.own.iter().chain(self.git.iter().flatten());
        all.map(Gitignore::len).sum()
    }
}

/// The rules of the directories above the one that a walk begins in, from the
/// nearest to the root.
#[derive(Debug)]
pub(super) struct Ignores(Vec<Rules>);

impl Ignores {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads them, until patience is over.
    pub(super) fn above(root: &FsRoot, base: &Path, patience: &Patience<'_>) -> Self {
        let mut above = Self::none();
        for directory in base.ancestors().skip(1) {
            if patience.is_over() {
                break;
            }
            let found = Found {
                ignore: true,
                gitignore: true,
                git: root.has(&directory.join(".git")),
            };
            let rules = Rules::read(root, directory, found, above.len());
            above.0.push(rules);
        }
        above
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Rules::len).sum()
    }

    /// Whether a path is ignored, by the rules of `inner` directories, the
    /// nearest first, and of those above. The nearest rule decides; any of an
    /// `.ignore` goes before any of git.
    pub(super) fn ignore<'a>(
        &'a self,
        inner: &(impl Iterator<Item = &'a Rules> + Clone),
        path: &Path,
        is_directory: bool,
    ) -> bool {
        let all = || inner.clone().chain(&self.0);
        let own = all().filter_map(|rules| rules.own.as_ref());
        let mut is_outside = false;
        let git = all().take_while(|rules| {
            let is_inside = !is_outside;
            is_outside = rules.is_repository;
            is_inside
        });
        let git = git.flat_map(|rules| rules.git.iter().flatten());
        let mut decided = own
            .chain(git)
            .map(|rules| rules.matched(path, is_directory));
        matches!(
            decided.find(|decided| !decided.is_none()),
            Some(Match::Ignore(_))
        )
    }
}

fn rules_in(root: &FsRoot, directory: &Path, name: &str, most: usize) -> Option<Gitignore> {
    let file = root.open_place(&directory.join(name)).ok()?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut rules = GitignoreBuilder::new(directory_or_dot(directory));
    for line in text.trim_start_matches('\u{feff}').lines().take(most) {
        // A line that is no pattern rules nothing.
        if nests_too_deep(line) {
            continue;
        }
        let _ = rules.add_line(None, line);
    }
    rules.build().ok().filter(|rules| !rules.is_empty())
}

fn directory_or_dot(directory: &Path) -> PathBuf {
    match directory.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => directory.to_owned(),
    }
}
