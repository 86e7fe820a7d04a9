//! Everything that can become of a call but a result.

use std::sync::Arc;
use std::time::Duration;

use atd_gate::Refusal;
use atd_registry::{ArgumentError, BrokerError, SchemaViolations, ToolCallError};

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server is shutting down.
    #[error("the server is shutting down; connect again in a moment")]
    ShuttingDown,
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
    /// The arguments break the tool's schema. The tool was not entered.
    #[error("the arguments do not fit the tool's schema: {}", joined(&.0.errors))]
    BrokenSchema(SchemaViolations),
    /// The tool found that the arguments do not fit.
    #[error("the arguments do not fit: {}", joined(.0))]
    InvalidArgs(Vec<ArgumentError>),
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
    Broker(#[source] BrokerError),
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
    #[error("the result of {length} bytes is over this tool's limit of {limit}; ask for less")]
    OutputTooLarge {
        /// Its length in bytes of JSON.
        length: usize,
        /// The longest that is allowed.
        limit: usize,
    },
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
                code,
                message,
                retryable,
            },
            ToolCallError::Internal { message } => Self::Internal { message },
            other => Self::Internal {
                message: other.to_string(),
            },
        }
    }
}

/// A text of the client's, cut and escaped to be shown.
fn shown(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(128)
        .map_or(text.len(), |(at, _)| at);
    let cut = if end < text.len() { "…" } else { "" };
    format!("{}{cut}", text[..end].escape_debug())
}

fn meant(suggestions: &[Arc<str>]) -> String {
    match suggestions {
        [] => "; tool_list shows what there is".to_owned(),
        some => format!("; did you mean {}?", some.join(" or ")),
    }
}

fn joined(errors: &[ArgumentError]) -> String {
    let errors: Vec<String> = errors.iter().map(ArgumentError::to_string).collect();
    errors.join("; ")
}
