//! The record of one call.

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// The version of [`CallEvent`] that this crate writes.
///
/// Version 1 lacked `cursor_page`. Each version is read by the other's reader:
/// what is missing takes its default and what is unknown is ignored.
pub const SCHEMA_VERSION: u32 = 2;

/// What became of one call, whatever its end.
///
/// There is one event for each `run_tool` and `run_tool_continue`, never two
/// and never none. It holds no argument, no result and no secret.
///
/// The fields and their order on the wire are fixed: programs elsewhere build
/// and parse this struct. What more a line says is written beside these
/// fields in the same JSON object, where a reader of this struct ignores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEvent {
    /// When the call entered dispatch: RFC 3339 in UTC, as
    /// [`now_rfc3339`](crate::now_rfc3339) gives it.
    pub ts: String,
    /// The call's ULID.
    pub call_id: String,
    /// The tool as the caller named it, which may be a tool that is not there.
    pub tool_id: String,
    /// Who called, as far as that is known. Left out of the line when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<String>,
    /// The capabilities that the caller held.
    pub granted_capabilities: Vec<String>,
    /// Milliseconds from the entry into dispatch to the end of the call.
    pub duration_ms: u64,
    /// How the call ended.
    pub outcome: Outcome,
    /// The tier that the call ran under: `hot`, `warm` or `cold`.
    pub tier: String,
    /// Whether the caller asked for a dry run.
    pub dry_run: bool,
    /// [`SCHEMA_VERSION`] for an event made by this crate's users.
    pub schema_version: u32,
    /// True only if a broker returned secrets for the call.
    #[serde(default)]
    pub secrets_resolved: bool,
    /// The page of a paged reply, counted from 1: `Some(1)` for a first page
    /// that has a successor, `Some(2)` and up for what continues it. Left out
    /// of the line when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_page: Option<u32>,
}
