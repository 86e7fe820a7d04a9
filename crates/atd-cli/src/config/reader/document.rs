//! A file that is read.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::{Place, Problems, Section};

/// A file and its text.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    path: Arc<Path>,
    text: String,
    /// Where each line but the first begins.
    lines: Vec<usize>,
}

impl Document {
    pub(crate) fn new(path: &Path, text: String) -> Self {
        let ends = text.match_indices('\n');
        Self {
            path: path.into(),
            lines: ends.map(|(end, _)| end + 1).collect(),
            text,
        }
    }

    /// Reads the whole of it. A file that is no TOML has one problem, which is
    /// the first: what follows it would be guesses.
    pub(crate) fn read<T>(
        &self,
        problems: &Problems,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        match DeTable::parse(&self.text) {
            Ok(table) => {
                let source = Source {
                    document: self,
                    problems,
                };
                let mut section = Section::whole(source, table.get_ref());
                let made = read(&mut section);
                section.finish();
                Some(made)
            }
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let what = format!("this is no TOML: {}", error.message());
                problems.add(self.place(at), what);
                None
            }
        }
    }

    /// The place of a byte of the text.
    fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|begins| *begins <= at);
        let begins = line.checked_sub(1).map_or(0, |before| self.lines[before]);
        let before = self.text.get(begins..at).unwrap_or_default();
        Place::at(&self.path, line + 1, before.chars().count() + 1)
    }
}

/// The file that something was read from, and where its problems go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    document: &'a Document,
    problems: &'a Problems,
}

impl Source<'_> {
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        self.document.place(span.start)
    }

    pub(super) fn problem(&self, span: &Range<usize>, what: impl std::fmt::Display) {
        self.problems.add(self.place(span), what);
    }

    /// The directory that relative paths of this file are relative to.
    pub(super) fn directory(&self) -> &Path {
        self.document.path.parent().unwrap_or(Path::new(""))
    }
}
