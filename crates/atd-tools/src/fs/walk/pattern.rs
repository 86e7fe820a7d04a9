//! Patterns for paths.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::error::SearchError;

/// A pattern for paths below a directory, in which `*` stays within a name and
/// `**` does not.
#[derive(Debug)]
pub(in crate::fs) struct Pattern {
    matcher: GlobMatcher,
    /// The names that it begins with and spells out.
    spelled: PathBuf,
}

impl Pattern {
    /// Reads a pattern that the caller gave as this argument.
    pub(in crate::fs) fn parse(argument: &'static str, text: &str) -> Result<Self, SearchError> {
        let bad = |says: String| SearchError::BadPattern { argument, says };
        if text.starts_with('/') || text.split('/').any(|name| name == "..") {
            let says = "a pattern stays below `path`: it neither begins with `/` nor holds `..`; \
                        give the directory as `path`";
            return Err(bad(says.to_owned()));
        }
        if nests_too_deep(text) {
            return Err(bad(format!("opens more than {MOST_BRACES} braces")));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob.map_err(|error| bad(format!("is no pattern: {}", error.kind())))?;
        let names = text.split('/').take_while(|name| is_spelled_out(name));
        Ok(Self {
            matcher: glob.compile_matcher(),
            spelled: names.collect(),
        })
    }

    /// Whether a path below the directory matches.
    pub(in crate::fs) fn matches(&self, below: &Path) -> bool {
        self.matcher.is_match(below)
    }

    /// Whether it is for names rather than paths: it holds no `/`.
    #[cfg(feature = "fs-grep")]
    pub(in crate::fs) fn is_for_names(&self) -> bool {
        !self.matcher.glob().glob().contains('/')
    }

    /// The path below which all is that matches.
    pub(in crate::fs) fn spelled(&self) -> &Path {
        &self.spelled
    }
}

fn is_spelled_out(name: &str) -> bool {
    !matches!(name, "" | ".") && !name.contains(['*', '?', '[', ']', '{', '}', '\\', ','])
}

/// How many braces a pattern may open: more than anybody writes. Reading it calls
/// itself for each one that is within another.
const MOST_BRACES: usize = 100;

/// Whether it is not to be read: it may take more stack than there is, and comes
/// to an expression that nests deeper than the compiler of those takes.
pub(super) fn nests_too_deep(text: &str) -> bool {
    text.matches('{').nth(MOST_BRACES).is_some()
}
