//! What a server answers.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::DecodeError;
use super::fields::{Fields, scan, unknown_type};
use crate::json_text::{write_json, write_text};
use crate::{CapabilitySet, ErrorCode, JsonText, Tier, ToolDefinition, ToolSummary};

const KNOWN: &str = "pong, hello_ack, tool_list, tool_schema, tool_result, error, progress";

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Response {
    /// The server is there.
    Pong,
    /// What the client was granted.
    HelloAck(HelloAck),
    /// The catalog, hidden tools left out.
    ToolList {
        /// One summary a tool.
        tools: Vec<ToolSummary>,
    },
    /// One tool's whole definition.
    ToolSchema {
        /// The definition.
        schema: Box<ToolDefinition>,
    },
    /// A tool ran, or a dry run passed.
    ToolResult(ToolResult),
    /// Something kept the request from being carried out.
    Error(ErrorBody),
    /// How far a call under way has come. Its answer is still to come.
    Progress(Progress),
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HelloAck {
    /// What this connection holds from now on.
    pub granted_capabilities: CapabilitySet,
    /// The server's `name version`.
    pub server_version: String,
    /// The tiers that tools may be in.
    pub supported_tiers: Vec<Tier>,
    /// What the server understands beyond the protocol's first version, by the
    /// names in [`extension`](crate::extension).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub extensions: Vec<String>,
}

/// How far a call has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// How much is done, in whatever the tool counts.
    pub done: u64,
    /// How much there is to do, where the tool knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What came of a call whose tool ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolResult {
    /// The tool's id.
    pub tool_id: String,
    /// What the tool returned, or a [`ToolFailure`].
    pub result: JsonText,
    /// Whether the tool did what it was asked.
    pub success: bool,
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// What `run_tool_continue` takes for the next page, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The `result` of a tool that ran and failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolFailure {
    /// A word for programs, such as `NOT_FOUND`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
pub struct ErrorBody {
    /// A sentence for people.
    pub message: String,
    /// The number for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// Whether the same request may succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// What the code's entry in the protocol says that it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl ErrorBody {
    /// An error with a code, and whether to retry as the code has it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: Some(code),
            retryable: Some(code.is_retryable()),
            details: None,
        }
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}

impl Progress {
    /// So much is done.
    pub fn new(done: u64) -> Self {
        Self {
            done,
            ..Self::default()
        }
    }

    /// Of so much.
    #[must_use]
    pub fn of(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }

    /// With a sentence for people.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

impl From<u64> for Progress {
    fn from(done: u64) -> Self {
        Self::new(done)
    }
}

impl ToolResult {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"type":"tool_result","tool_id":"#);
        write_text(out, &self.tool_id);
        out.extend_from_slice(br#","result":"#);
        out.extend_from_slice(self.result.as_bytes());
        out.extend_from_slice(if self.success {
            br#","success":true"#
        } else {
            br#","success":false"#
        });
        out.extend_from_slice(if self.dry_run {
            br#","dry_run":true"#
        } else {
            br#","dry_run":false"#
        });
        if let Some(cursor) = &self.next_cursor {
            out.extend_from_slice(br#","next_cursor":"#);
            write_json(out, cursor);
        }
        out.push(b'}');
    }
}

impl Response {
    /// Reads a frame's body. A result shares its bytes.
    ///
    /// # Errors
    /// [`DecodeError`] with what was wrong and what would be right.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a frame is read once, and what is kept of it shares its bytes"
    )]
    pub fn decode(frame: Bytes) -> Result<Self, DecodeError> {
        Self::read(&scan(&frame)?, &frame)
    }

    pub(super) fn read(fields: &Fields<'_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let kind = fields.kind(KNOWN)?;
        Ok(match kind {
            "pong" => Self::Pong,
            "hello_ack" => {
                let read = fields.of("hello_ack");
                Self::HelloAck(HelloAck {
                    granted_capabilities: read.or_default("granted_capabilities")?,
                    server_version: read.or_default("server_version")?,
                    supported_tiers: read.or_default("supported_tiers")?,
                    extensions: read.or_default("extensions")?,
                })
            }
            "tool_list" => Self::ToolList {
                tools: fields.of("tool_list").required("tools")?,
            },
            "tool_schema" => Self::ToolSchema {
                schema: fields.of("tool_schema").required("schema")?,
            },
            "tool_result" => {
                let read = fields.of("tool_result");
                Self::ToolResult(ToolResult {
                    tool_id: read.text("tool_id")?,
                    result: read
                        .json("result", frame)
                        .ok_or_else(|| read.lacks("result"))?,
                    success: read.required("success")?,
                    dry_run: read.flag("dry_run")?,
                    next_cursor: read.or_default("next_cursor")?,
                })
            }
            "error" => {
                let read = fields.of("error");
                Self::Error(ErrorBody {
                    message: read.required("message")?,
                    code: read.or_default("code")?,
                    retryable: read.or_default("retryable")?,
                    details: read.or_default("details")?,
                })
            }
            "progress" => {
                let read = fields.of("progress");
                Self::Progress(Progress {
                    done: read.required("done")?,
                    total: read.or_default("total")?,
                    message: read.or_default("message")?,
                })
            }
            unknown => return Err(unknown_type(unknown, KNOWN)),
        })
    }

    /// Appends the frame's body to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::ToolResult(result) => result.encode(out),
            other => write_json(out, other),
        }
    }
}
