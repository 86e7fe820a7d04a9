//! What a client asks.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::DecodeError;
use super::ToolFilter;
use super::fields::{Fields, scan, unknown_type};
use crate::json_text::{write_json, write_text};
use crate::{CapabilitySet, JsonText, TraceParent};

const KNOWN: &str = "ping, hello, tool_list, tool_schema, run_tool, run_tool_continue, cancel";

/// What a client asks of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Whether the server is there.
    Ping,
    /// Who the client is and what it would like to be allowed.
    Hello(Hello),
    /// The catalog of tools, or the part of it that is asked for.
    ToolList(ToolFilter),
    /// The whole definition of one tool.
    ToolSchema {
        /// The tool's id.
        tool_id: String,
    },
    /// A call.
    RunTool(RunTool),
    /// The next page of a call's result.
    RunToolContinue(RunToolContinue),
    /// The end of a call under way. It has no answer of its own: the call has.
    Cancel {
        /// The id that the call's request carried.
        request_id: u64,
    },
}

/// Who a client is. It may come at any time and again: it replaces the
/// connection's identity and capabilities.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hello {
    /// The name that the client gives itself. It proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What the client would like to be allowed.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub requested_capabilities: CapabilitySet,
    /// Compact JWTs that grant capabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub ucan_tokens: Vec<String>,
    /// Proves that the client holds the key that the tokens are for: the
    /// answer to a [challenge](crate::proof) of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl fmt::Debug for Hello {
    /// The tokens are counted, not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello")
            .field("client_id", &self.client_id)
            .field("requested_capabilities", &self.requested_capabilities)
            .field("ucan_tokens", &self.ucan_tokens.len())
            .field("proof", &self.proof.is_some())
            .finish()
    }
}

/// One call of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunTool {
    /// The tool's id.
    pub tool_id: String,
    /// The arguments; `{}` when a client leaves them out.
    #[cfg_attr(feature = "schema", schemars(default = "empty_object"))]
    pub args: JsonText,
    /// Whether to check everything and change nothing.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub dry_run: bool,
    /// The trace that the call is part of, for whoever records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
}

/// The next page of a call whose answer had a `next_cursor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunToolContinue {
    /// The tool's id.
    pub tool_id: String,
    /// The `next_cursor` of the page before.
    pub cursor: String,
    /// The trace that the call is part of, for whoever records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
}

impl RunTool {
    /// A call that is no dry run.
    ///
    /// # Errors
    /// When `args` has no JSON form.
    pub fn new<T: Serialize + ?Sized>(
        tool_id: impl Into<String>,
        args: &T,
    ) -> serde_json::Result<Self> {
        Ok(Self {
            tool_id: tool_id.into(),
            args: JsonText::from_value(args)?,
            dry_run: false,
            traceparent: None,
        })
    }
}

impl Request {
    /// Reads a frame's body. The arguments share its bytes.
    ///
    /// Fields that the request does not have are ignored. `null` stands for an
    /// absent `client_id` or `proof` and is an error for every other field but
    /// `args`.
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
            "ping" => Self::Ping,
            "hello" => {
                let read = fields.of("hello");
                Self::Hello(Hello {
                    client_id: read.or_default("client_id")?,
                    requested_capabilities: read.or_default("requested_capabilities")?,
                    ucan_tokens: read.or_default("ucan_tokens")?,
                    proof: read.or_default("proof")?,
                })
            }
            "tool_list" => {
                let read = fields.of("tool_list");
                Self::ToolList(ToolFilter {
                    query: read.or_default("query")?,
                    domain: read.or_default("domain")?,
                    tier: read.or_default("tier")?,
                    visibility: read.or_default("visibility")?,
                    limit: read.or_default("limit")?,
                    omit_schemas: read.or_default("omit_schemas")?,
                })
            }
            "tool_schema" => Self::ToolSchema {
                tool_id: fields.of("tool_schema").text("tool_id")?,
            },
            "run_tool" => {
                let read = fields.of("run_tool");
                Self::RunTool(RunTool {
                    tool_id: read.text("tool_id")?,
                    args: read.json("args", frame).unwrap_or(JsonText::EMPTY_OBJECT),
                    dry_run: read.flag("dry_run")?,
                    traceparent: read.trace(),
                })
            }
            "run_tool_continue" => {
                let read = fields.of("run_tool_continue");
                Self::RunToolContinue(RunToolContinue {
                    tool_id: read.text("tool_id")?,
                    cursor: read.text("cursor")?,
                    traceparent: read.trace(),
                })
            }
            "cancel" => Self::Cancel {
                request_id: fields.of("cancel").required("request_id")?,
            },
            unknown => return Err(unknown_type(unknown, KNOWN)),
        })
    }

    /// Appends the frame's body to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::RunTool(call) => call.encode(out),
            other => write_json(out, other),
        }
    }
}

impl RunTool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"type":"run_tool","tool_id":"#);
        write_text(out, &self.tool_id);
        out.extend_from_slice(br#","args":"#);
        out.extend_from_slice(self.args.as_bytes());
        out.extend_from_slice(br#","dry_run":"#);
        write_json(out, &self.dry_run);
        if let Some(parent) = &self.traceparent {
            out.extend_from_slice(br#","traceparent":"#);
            write_json(out, parent);
        }
        out.push(b'}');
    }
}

#[cfg(feature = "schema")]
fn empty_object() -> JsonText {
    JsonText::EMPTY_OBJECT
}
