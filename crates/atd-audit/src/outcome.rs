//! How a call ended.

use serde::{Deserialize, Serialize};

/// How a call ended; on the wire an object whose `kind` names the variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The tool answered.
    Success,
    /// The tool ran, or began to, and did not answer.
    ExecutionFailed {
        /// What went wrong, as a code for programs.
        code: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
    /// The arguments did not fit the tool's schema; the tool did not run.
    InvalidArgs {
        /// What did not fit and where, without the arguments themselves.
        message: String,
    },
    /// The caller lacked a capability; the tool did not run.
    CapabilityDenied {
        /// The capabilities that the tool asks for and the caller did not hold.
        missing: Vec<String>,
    },
    /// The caller was over a limit; the tool did not run.
    RateLimited {
        /// Milliseconds until a retry can succeed; `None`, which is written
        /// as `null`, when that cannot be said.
        retry_after_ms: Option<u64>,
    },
    /// No tool has the id that the caller named.
    ToolNotFound,
}
