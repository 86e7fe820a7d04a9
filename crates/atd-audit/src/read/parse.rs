//! What one line says.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::error::Category;

use super::Problem;
use crate::{CallEvent, Outcome, chain::Link};

/// A line with an event in it.
#[derive(Debug)]
pub(super) struct EventLine {
    pub(super) event: CallEvent,
    pub(super) truncated: bool,
    pub(super) lost_before: u64,
    /// Whether there is a `seq` or a `chain`, in whatever form.
    pub(super) is_marked: bool,
}

/// A line as it is on the wire. `CallEvent` with `#[serde(flatten)]` would do
/// as well, and take a tree of values for each line.
#[derive(Deserialize)]
struct Wire {
    ts: String,
    call_id: String,
    tool_id: String,
    #[serde(default)]
    caller_id: Option<String>,
    granted_capabilities: Vec<String>,
    duration_ms: u64,
    outcome: Outcome,
    tier: String,
    dry_run: bool,
    schema_version: u32,
    #[serde(default)]
    secrets_resolved: bool,
    #[serde(default)]
    cursor_page: Option<u32>,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    lost_before: u64,
    seq: Option<IgnoredAny>,
    chain: Option<IgnoredAny>,
}

impl From<Wire> for EventLine {
    fn from(wire: Wire) -> Self {
        Self {
            event: CallEvent {
                ts: wire.ts,
                call_id: wire.call_id,
                tool_id: wire.tool_id,
                caller_id: wire.caller_id,
                granted_capabilities: wire.granted_capabilities,
                duration_ms: wire.duration_ms,
                outcome: wire.outcome,
                tier: wire.tier,
                dry_run: wire.dry_run,
                schema_version: wire.schema_version,
                secrets_resolved: wire.secrets_resolved,
                cursor_page: wire.cursor_page,
            },
            truncated: wire.truncated,
            lost_before: wire.lost_before,
            is_marked: wire.seq.is_some() || wire.chain.is_some(),
        }
    }
}

/// Whether there is nothing in a line. Such lines are no records: a writer
/// may leave one when it sets itself apart from what stands before it.
pub(super) fn is_empty(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

/// The event in `line`, or why there is none.
pub(super) fn event(line: &[u8]) -> Result<EventLine, Problem> {
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => return Err(torn_or(line, &error)),
        Err(error) => return Err(not_json(error)),
    };
    serde_json::from_str::<Wire>(text)
        .map(EventLine::from)
        .map_err(|error| match error.classify() {
            Category::Eof => torn_or(line, &error),
            // The parser stopped at the first thing that no event has.
            Category::Data => match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => Problem::NotAnEvent {
                    reason: short(&error),
                },
                Err(error) if error.classify() == Category::Eof => torn_or(line, &error),
                Err(error) => not_json(error),
            },
            // The zeros that a file system leaves of what never reached it.
            _ if is_torn_by_zeros(line) => Problem::Torn,
            _ => not_json(error),
        })
}

/// Whether `line` is JSON, and no event.
pub(super) fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// A line that breaks off is torn, unless it also ends as a whole one does:
/// then somebody edited it.
fn torn_or(line: &[u8], error: &dyn std::fmt::Display) -> Problem {
    match line.starts_with(b"{") && Link::parse(line).is_none() {
        true => Problem::Torn,
        false => not_json(error),
    }
}

fn is_torn_by_zeros(line: &[u8]) -> bool {
    let kept = line.iter().rposition(|byte| *byte != 0);
    let kept = &line[..kept.map_or(0, |last| last + 1)];
    kept.len() < line.len()
        && (kept.is_empty()
            || serde_json::from_slice::<IgnoredAny>(kept)
                .is_err_and(|error| torn_or_is(kept, &error)))
}

fn torn_or_is(line: &[u8], error: &serde_json::Error) -> bool {
    error.is_eof() && torn_or(line, error) == Problem::Torn
}

fn not_json(error: impl std::fmt::Display) -> Problem {
    Problem::NotJson {
        reason: short(&error),
    }
}

/// What the parser says, which may quote the line, on one line of its own.
fn short(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.clone().take(200).collect();
    if plain.count() > 200 {
        short.push('…');
    }
    short
}
