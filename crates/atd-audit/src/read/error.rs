//! Why a log could not be read.

use std::{error, fmt, io, path::PathBuf};

/// Why a log could not be read, or a question to it not be understood. What
/// is wrong with a log's lines is no error: it is told with the lines.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// Neither the log nor a rotated segment of it is there.
    NoLog {
        /// Where the log was looked for.
        path: PathBuf,
    },
    /// The log's path leads to something that is no regular file.
    NotAFile {
        /// What it is that is no file.
        path: PathBuf,
    },
    /// A segment, or the directory that holds the log, could not be read.
    Io {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a time of RFC 3339.
    Time {
        /// What was given for one.
        text: String,
    },
    /// Not the name of an [`OutcomeKind`](crate::OutcomeKind).
    OutcomeKind {
        /// What was given for one.
        text: String,
    },
}

impl ReadError {
    /// For `map_err`: what went wrong with the file or directory at `path`.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLog { path } => write!(f, "there is no audit log at {}", path.display()),
            Self::NotAFile { path } => write!(f, "{} is no regular file", path.display()),
            Self::Io { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Time { text } => write!(
                f,
                "`{text}` is no time of RFC 3339, such as 2026-11-22T16:04:06Z"
            ),
            Self::OutcomeKind { text } => write!(f, "`{text}` is no kind of outcome"),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
