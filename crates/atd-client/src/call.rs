//! What can be said of one call, and what comes of it.

use std::time::Duration;

use atd_proto::{JsonText, ToolFailure, ToolResult, TraceParent};
use serde::de::DeserializeOwned;

use crate::error::ClientError;

/// How much of a failure's text is shown when it has no message.
const SHOWN: usize = 256;

/// How one call differs from others, for
/// [`Client::call_with`](crate::Client::call_with).
///
/// ```
/// use std::time::Duration;
///
/// let careful = atd_client::CallOptions::new()
///     .dry_run(true)
///     .timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(crate) dry_run: bool,
    pub(crate) traceparent: Option<TraceParent>,
    timeout: Option<Option<Duration>>,
}

impl CallOptions {
    /// A call like any other.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to have everything checked and nothing changed.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// The trace that this call is part of. A server that knows traces puts its
    /// id on record beside the call.
    #[must_use]
    pub fn traceparent(mut self, parent: impl Into<Option<TraceParent>>) -> Self {
        self.traceparent = parent.into();
        self
    }

    /// How long this call may take, instead of
    /// [`ConnectOptions::request_timeout`](crate::ConnectOptions::request_timeout);
    /// `None` for as long as the connection lasts.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    pub(crate) fn timeout_or(&self, default: Option<Duration>) -> Option<Duration> {
        self.timeout.unwrap_or(default)
    }
}

/// What came of a call whose tool did what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome(ToolResult);

impl CallOutcome {
    /// The outcome, unless the tool failed.
    pub(crate) fn of(answer: ToolResult) -> Result<Self, ClientError> {
        if answer.success {
            return Ok(Self(answer));
        }
        Err(ClientError::ToolFailed {
            failure: read_failure(&answer.result),
            tool_id: answer.tool_id,
            result: answer.result,
        })
    }

    /// The tool's id, as the server has it.
    pub fn tool_id(&self) -> &str {
        &self.0.tool_id
    }

    /// The result as it came. It shares its memory with the answers that
    /// arrived around it; copy what is to be kept for long.
    pub fn result(&self) -> &JsonText {
        &self.0.result
    }

    /// The result alone.
    pub fn into_result(self) -> JsonText {
        self.0.result
    }

    /// Reads the result into a type of the caller's.
    ///
    /// # Errors
    /// [`ClientError::ResultShape`] when it does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let fit = self.0.result.to_value();
        fit.map_err(|source| ClientError::ResultShape {
            tool_id: self.0.tool_id.clone(),
            source,
        })
    }

    /// Whether the server took it for a dry run.
    pub fn is_dry_run(&self) -> bool {
        self.0.dry_run
    }

    /// What [`Client::continue_call`](crate::Client::continue_call) takes for
    /// the next page, when there is one.
    pub fn next_cursor(&self) -> Option<&str> {
        self.0.next_cursor.as_deref()
    }
}

/// Reads what a tool says of its failure, as far as it says so.
fn read_failure(result: &JsonText) -> ToolFailure {
    result.to_value().unwrap_or_else(|_| {
        let value: serde_json::Value = result.to_value().unwrap_or_default();
        let text = |field| value.get(field)?.as_str().map(str::to_owned);
        let whole = || value.as_str().map(str::to_owned);
        ToolFailure {
            code: text("code").unwrap_or_else(|| "TOOL_FAILED".to_owned()),
            message: text("message")
                .or_else(whole)
                .unwrap_or_else(|| result.to_string().chars().take(SHOWN).collect()),
            retryable: value
                .get("retryable")
                .and_then(serde_json::Value::as_bool)
                .unwrap_or(false),
        }
    })
}
