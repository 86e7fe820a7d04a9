//! Why a file was not changed.

use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::{StaleRead, ToolCallError};

use crate::fs::error::{FsError, about};
use crate::text::shown;

/// Why a file was not changed.
#[derive(Debug)]
pub(in crate::fs) enum ChangeError {
    File(FsError),
    /// The directory that it should be in is none.
    NoDirectory,
    /// The caller does not know what is in it.
    Stale(StaleRead),
    /// Another call was at it all the time.
    Busy,
    /// The call came to its end first.
    OutOfTime,
}

impl ChangeError {
    /// Adds these failures to a definition.
    pub(in crate::fs) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        FsError::declare(definition, "written")
            .error(
                "NO_DIRECTORY",
                "The directory that the file should be in does not exist, or is no directory.",
                false,
            )
            .error(
                "NOT_READ",
                "The file exists and has not been read on this connection: read it first.",
                false,
            )
            .error(
                "CHANGED_SINCE_READ",
                "The file has changed since it was read on this connection: read it again.",
                false,
            )
            .error("BUSY", "Other calls are changing the file.", true)
            .error(
                "OUT_OF_TIME",
                "The call's time was up before the file was changed; it is as it was.",
                true,
            )
    }

    /// What the caller learns, who called the file `path`.
    pub(in crate::fs) fn for_caller(self, path: &str) -> ToolCallError {
        match self {
            Self::File(error) => error.for_caller(path, "written"),
            Self::NoDirectory => about(
                path,
                "NO_DIRECTORY",
                "has no directory to be in: its path does not exist that far, or leads over a file",
            ),
            Self::Stale(StaleRead::ChangedSince) => about(
                path,
                "CHANGED_SINCE_READ",
                "has changed since it was read on this connection; read it again",
            ),
            Self::Stale(_) => about(
                path,
                "NOT_READ",
                "exists and has not been read on this connection; read it first",
            ),
            Self::Busy => ToolCallError::failed_for_now(
                "BUSY",
                format!("{} is being changed by other calls", shown(path)),
            ),
            Self::OutOfTime => ToolCallError::failed_for_now(
                "OUT_OF_TIME",
                format!("{} was not changed: the call's time is up", shown(path)),
            ),
        }
    }
}

impl From<FsError> for ChangeError {
    fn from(error: FsError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for ChangeError {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}
