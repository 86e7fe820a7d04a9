//! Why a file was not read.

use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;

use crate::fs::error::{FsError, about};

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum ReadError {
    File(FsError),
    /// The first line asked for was not come to in time.
    TooFar {
        line: u64,
        passed: u64,
    },
    /// Not one line fits into the longest result.
    NoRoom {
        budget: usize,
    },
}

impl ReadError {
    pub(super) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        FsError::declare(definition, "read")
            .error(
                "TOO_FAR",
                "The line `offset` is so far into the file that the call's time did not suffice.",
                false,
            )
            .error(
                "NO_ROOM",
                "The longest result that the call may have holds not one line.",
                false,
            )
    }

    /// What the caller learns, who called the file `path`.
    pub(super) fn for_caller(self, path: &str) -> ToolCallError {
        match self {
            Self::File(error) => error.for_caller(path, "read"),
            Self::TooFar { line, passed } => about(
                path,
                "TOO_FAR",
                &format!(
                    "is too long: the call's time sufficed for line {passed}, not for line {line}"
                ),
            ),
            Self::NoRoom { budget } => about(
                path,
                "NO_ROOM",
                &format!("cannot be shown: a result may have {budget} bytes, too few for a line"),
            ),
        }
    }
}

impl From<FsError> for ReadError {
    fn from(error: FsError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}
