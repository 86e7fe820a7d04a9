//! Why nothing was searched.

use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;

use crate::fs::error::{FsError, about};
use crate::text::shown;

/// Why nothing was searched.
#[derive(Debug)]
pub(in crate::fs) enum SearchError {
    Path(FsError),
    #[cfg(feature = "fs-glob")]
    NotADirectory,
    /// An argument that is no pattern.
    BadPattern {
        argument: &'static str,
        says: String,
    },
    /// Nothing was come to in time.
    TooSlow,
    /// Not one result fits into the longest that the call may have.
    NoRoom {
        budget: usize,
    },
}

impl SearchError {
    /// Adds these failures to a definition.
    pub(in crate::fs) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        FsError::declare_paths(definition, "searched")
            .error(
                "TOO_SLOW",
                "The call's time was up before anything was found or passed.",
                true,
            )
            .error(
                "NO_ROOM",
                "The longest result that the call may have holds not one of those found.",
                false,
            )
    }

    /// What the caller learns, who gave `path` as what to search.
    pub(in crate::fs) fn for_caller(self, path: &str) -> ToolCallError {
        match self {
            Self::Path(error) => error.for_caller(path, "searched"),
            #[cfg(feature = "fs-glob")]
            Self::NotADirectory => about(path, "NOT_A_DIRECTORY", "is not a directory"),
            Self::BadPattern { argument, says } => ToolCallError::invalid_arg(argument, says),
            Self::TooSlow => ToolCallError::failed_for_now(
                "TOO_SLOW",
                format!("{} could not be searched in the call's time", shown(path)),
            ),
            Self::NoRoom { budget } => about(
                path,
                "NO_ROOM",
                &format!("cannot be searched: a result may have {budget} bytes, too few for one"),
            ),
        }
    }
}

impl From<FsError> for SearchError {
    fn from(error: FsError) -> Self {
        Self::Path(error)
    }
}

impl From<io::Error> for SearchError {
    fn from(error: io::Error) -> Self {
        Self::Path(error.into())
    }
}
