//! Where a search goes on.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A place within a file: where a line begins, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) offset: u64,
    /// Counted from 1.
    pub(super) line: u64,
}

/// Where a search goes on: in which file, or the next after that path, and
/// where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) path: PathBuf,
    pub(super) at: At,
}

impl At {
    pub(super) const START: Self = Self { offset: 0, line: 1 };
}

impl Position {
    pub(super) fn to_state(&self) -> Vec<u8> {
        let path = self.path.as_os_str().as_bytes();
        let (offset, line) = (self.at.offset.to_be_bytes(), self.at.line.to_be_bytes());
        [&offset, &line, path].concat()
    }

    /// None for what [`to_state`](Self::to_state) did not make.
    pub(super) fn of_state(state: &[u8]) -> Option<Self> {
        let (offset, rest) = state.split_first_chunk()?;
        let (line, path) = rest.split_first_chunk()?;
        Some(Self {
            path: OsString::from_vec(path.to_vec()).into(),
            at: At {
                offset: u64::from_be_bytes(*offset),
                line: u64::from_be_bytes(*line),
            },
        })
    }
}
