//! What ignore files name.

use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::names::Found;
use crate::fs::root::FsRoot;

/// How much of an ignore file is read, in bytes, and how many of its lines.
const LONGEST: u64 = 128 * 1024;
const LINES: usize = 2_000;

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
    /// Reads them, where they were found. What cannot be read or understood
    /// rules nothing.
    pub(super) fn read(root: &FsRoot, directory: &Path, found: Found) -> Self {
        let read = |is_there: bool, name: &str| {
            is_there.then(|| rules_in(root, directory, name)).flatten()
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
}

/// The rules of the directories above the one that a walk begins in, from the
/// nearest to the root.
#[derive(Debug)]
pub(super) struct Ignores(Vec<Rules>);

impl Ignores {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn above(root: &FsRoot, base: &Path) -> Self {
        let above = base.ancestors().skip(1).map(|directory| {
            let found = Found {
                ignore: true,
                gitignore: true,
                git: root.has(&directory.join(".git")),
            };
            Rules::read(root, directory, found)
        });
        Self(above.collect())
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

fn rules_in(root: &FsRoot, directory: &Path, name: &str) -> Option<Gitignore> {
    let file = root.open_place(&directory.join(name)).ok()?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut rules = GitignoreBuilder::new(directory_or_dot(directory));
    for line in text.trim_start_matches('\u{feff}').lines().take(LINES) {
        // A line that is no pattern rules nothing.
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
