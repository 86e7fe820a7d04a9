//! Why a call of a tool came to nothing.

use std::fmt;

/// Why a tool did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolCallError {
    /// The arguments do not fit. The caller is told where.
    #[error("the arguments do not fit: {}", joined(.0))]
    InvalidArgs(Vec<ArgumentError>),
    /// The tool tried and failed. The caller is told all of it.
    #[error("{code}: {message}")]
    ExecutionFailed {
        /// A word for programs, such as `NOT_FOUND`.
        code: String,
        /// A sentence for people.
        message: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
    /// What would run the tool has no room for it. The tool was not entered.
    #[error("there is no room to run the tool now; try again later")]
    Overloaded,
    /// The result is longer than it may be. It was not written to its end.
    #[error("the result is over the limit of {limit} bytes; ask for less")]
    OutputTooLarge {
        /// The longest that is allowed, in bytes of JSON.
        limit: usize,
    },
    /// The tool is at fault. The server logs what it says; the caller learns
    /// that it happened and no more.
    #[error("{message}")]
    Internal {
        /// What happened, for the log.
        message: String,
    },
}

/// One place where arguments do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// Where, as a JSON Pointer (RFC 6901); empty for the arguments as a
    /// whole.
    pub path: String,
    /// What is wrong there and what would be right.
    pub message: String,
}

impl ToolCallError {
    /// The tool tried and failed, and trying again as it is will not help.
    pub fn failed(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::ExecutionFailed {
            code: code.into(),
            message: message.to_string(),
            retryable: false,
        }
    }

    /// The tool tried and failed, and may succeed later.
    pub fn failed_for_now(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::ExecutionFailed {
            code: code.into(),
            message: message.to_string(),
            retryable: true,
        }
    }

    /// The tool is at fault.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::Internal {
            message: message.to_string(),
        }
    }

    /// One argument does not fit; `path` is a JSON Pointer such as `/limit`.
    pub fn invalid_arg(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::InvalidArgs(vec![ArgumentError {
            path: path.into(),
            message: message.to_string(),
        }])
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "at {path}: {}", self.message),
        }
    }
}

fn joined(errors: &[ArgumentError]) -> String {
    let errors: Vec<String> = errors.iter().map(ArgumentError::to_string).collect();
    errors.join("; ")
}
