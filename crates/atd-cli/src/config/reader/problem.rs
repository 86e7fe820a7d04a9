//! What is wrong with a file, and where.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::output::one_line;

/// A place in a file, written as editors take it: `atd.toml:3:10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    file: Arc<Path>,
    /// The line and the column, from 1. A file that cannot be read has none.
    position: Option<(usize, usize)>,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    place: Place,
    /// What is wrong, and what would be right.
    what: String,
}

/// The mistakes that were found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Place {
    pub(crate) fn file(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into().into(),
            position: None,
        }
    }

    pub(super) fn at(file: &Arc<Path>, line: usize, column: usize) -> Self {
        Self {
            file: file.clone(),
            position: Some((line, column)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.file.display().to_string()))?;
        match self.position {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    /// On one line, whatever the file holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, one_line(&self.what))
    }
}

/// How much of a text of the file's is shown, in characters.
const SHOWN: usize = 60;

/// The beginning of a text, marked where that is not all of it.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Problems {
    pub(crate) fn add(&self, place: Place, what: impl fmt::Display) {
        let what = what.to_string();
        self.0.borrow_mut().push(Problem { place, what });
    }

    /// All of them, in the order of their places.
    pub(crate) fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort();
        problems
    }
}
