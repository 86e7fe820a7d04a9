//! The event that is reported: a success, some 250 bytes as a line.

use anyhow::Result;
use ours::audit::{CallEvent, Outcome, SCHEMA_VERSION, now_rfc3339};

/// As ours has it.
pub(super) fn ours() -> CallEvent {
    CallEvent {
        ts: now_rfc3339(),
        call_id: "01JZ8Q3V9N4T7W2X5Y6Z8A1B3C".to_owned(),
        tool_id: "ref:fs.read".to_owned(),
        caller_id: Some("agent-7".to_owned()),
        granted_capabilities: vec!["net".to_owned(), "read".to_owned(), "write".to_owned()],
        duration_ms: 12,
        outcome: Outcome::Success,
        tier: "warm".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}

/// The same as the published crate has it.
pub(super) fn theirs() -> Result<their_runtime::CallEvent> {
    Ok(serde_json::from_value(serde_json::to_value(ours())?)?)
}
