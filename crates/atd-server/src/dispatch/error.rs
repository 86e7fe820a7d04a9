//! Everything that can become of a call but a result.

use std::sync::Arc;
use std::time::Duration;

use atd_gate::Refusal;
use atd_proto::MAX_NESTING;
use atd_registry::{ArgumentError, SchemaViolations, ToolCallError};

use crate::control::StopReason;
use crate::text::{cut, shown};

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server is shutting down.
    #[error("the server is shutting down; connect again in a moment")]
    ShuttingDown,
    /// It was ended before it was done.
    #[error("{}", match reason {
        StopReason::Cancelled => "the call was cancelled",
        StopReason::ClientGone => "the client has left",
        StopReason::ShutDown => "the server shut down before the call was done",
    })]
    Stopped {
        /// By whom.
        reason: StopReason,
    },
    /// Another request in flight has its id.
    #[error(
        "another request in flight on this connection has this request_id; choose one that none has"
    )]
    DuplicateId,
    /// No tool has this id.
    #[error("tool not found: `{}`{}", shown(tool_id), meant(suggestions))]
    NotFound {
        /// The id that was asked for.
        tool_id: String,
        /// What may have been meant.
        suggestions: Vec<Arc<str>>,
    },
    /// The gate did not let it through.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A middleware did not let it through. The tool was not entered.
    #[error("{message}")]
    Stayed {
        /// Why, as the caller is told.
        message: String,
    },
    /// The arguments break the tool's schema. The tool was not entered.
    #[error("the arguments do not fit the tool's schema: {}", joined(&.0.errors))]
    BrokenSchema(SchemaViolations),
    /// The tool found that the arguments do not fit.
    #[error("the arguments do not fit: {}", joined(.0))]
    InvalidArgs(Vec<ArgumentError>),
    /// The cursor is too old, or from before a restart.
    #[error(
        "the cursor for `{}` has expired; start again with run_tool",
        shown(tool_id)
    )]
    CursorExpired {
        /// The tool that was asked for its next page.
        tool_id: String,
    },
    /// There is more, and where it goes on does not fit a cursor.
    #[error(
        "where the next page goes on does not fit a cursor: arguments and state are {length} \
         bytes together, and {limit} is the limit; send shorter arguments"
    )]
    PlaceTooLong {
        /// How long arguments and state are together, in bytes.
        length: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The cursor is none that this server gave out.
    #[error(
        "the cursor is not valid for `{}`; start again with run_tool",
        shown(tool_id)
    )]
    CursorInvalid {
        /// The tool that was asked for its next page.
        tool_id: String,
    },
    /// The caller's secrets could not be had.
    #[error("the caller's secrets could not be resolved; try again later")]
    Broker {
        /// What happened, for the log.
        cause: String,
    },
    /// The audit could not answer for the call, which therefore did not begin.
    #[error("the call cannot be put on record now, and so it was not begun; try again later")]
    AuditUnavailable {
        /// What happened, for the log.
        cause: String,
    },
    /// There is no room to run the tool now.
    #[error(
        "every thread for tools that block is taken, and many calls wait for one; try again later"
    )]
    Overloaded,
    /// The tool ran and failed.
    #[error("{message}")]
    Failed {
        /// A word for programs.
        code: String,
        /// A sentence for people.
        message: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
    /// The tool is at fault, or what runs it.
    #[error("the tool failed inside; the server's log says more")]
    Internal {
        /// What happened, for the log.
        message: String,
    },
    /// The tool, or what stands around it, panicked.
    #[error("the tool panicked; the server's log says more")]
    Panicked {
        /// What it said, for the log.
        message: String,
    },
    /// The call took longer than it may.
    #[error("the call was ended after {} ms, its limit", limit.as_millis())]
    DeadlineExceeded {
        /// How long it may take.
        limit: Duration,
    },
    /// The result is longer than it may be.
    #[error(
        "the result{} is over this tool's limit of {limit} bytes; ask for less",
        length.map(|length| format!(" of {length} bytes")).unwrap_or_default()
    )]
    OutputTooLarge {
        /// Its length in bytes of JSON, if it was written to its end.
        length: Option<usize>,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The result breaks the tool's output schema.
    #[error("the result does not fit the tool's output schema: {}", joined(&.0.errors))]
    OutputMisfit(SchemaViolations),
    /// The result nests too deeply for those who would read it.
    #[error(
        "the result nests deeper than a reader takes, which is {MAX_NESTING} levels with its frame"
    )]
    OutputTooDeep,
}

impl From<ToolCallError> for CallError {
    fn from(error: ToolCallError) -> Self {
        match error {
            ToolCallError::InvalidArgs(errors) => Self::InvalidArgs(errors),
            ToolCallError::ExecutionFailed {
                code,
                message,
                retryable,
            } => Self::Failed {
                code: cut(code, MAX_CODE),
                message: cut(message, MAX_MESSAGE),
                retryable,
            },
            ToolCallError::Overloaded => Self::Overloaded,
            ToolCallError::OutputTooLarge { limit } => Self::OutputTooLarge {
                length: None,
                limit,
            },
            ToolCallError::Internal { message } => Self::Internal { message },
            other => Self::Internal {
                message: other.to_string(),
            },
        }
    }
}

/// The longest code and the longest message of a failure, in bytes.
const MAX_CODE: usize = 128;
pub(super) const MAX_MESSAGE: usize = 4 * 1024;

fn meant(suggestions: &[Arc<str>]) -> String {
    match suggestions {
        [] => "; tool_list shows what there is".to_owned(),
        some => format!("; did you mean {}?", some.join(" or ")),
    }
}

fn joined(errors: &[ArgumentError]) -> String {
    let errors: Vec<String> = errors
        .iter()
        .map(|error| shown(&error.to_string()))
        .collect();
    errors.join("; ")
}
