//! What `atd top --json` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reading::{Period, Row};

#[derive(Serialize)]
pub(super) struct Document<'p> {
    /// How long the period is; left out since the server's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    calls: u64,
    calls_total: u64,
    in_flight: u64,
    waiting: u64,
    connections_open: u64,
    connections_refused: u64,
    refusals: BTreeMap<&'p str, u64>,
    audit: AuditDocument,
    tools: Vec<ToolDocument<'p>>,
}

#[derive(Serialize)]
struct AuditDocument {
    lost: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<u64>,
    /// Seconds since 1970, while nothing can be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<f64>,
}

#[derive(Serialize)]
struct ToolDocument<'p> {
    tool_id: &'p str,
    calls: u64,
    calls_total: u64,
    in_flight: u64,
    refused: u64,
    failed: u64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// Those that there were.
    outcomes: BTreeMap<&'p str, u64>,
}

impl<'p> Document<'p> {
    pub(super) fn of(period: &'p Period<'_>) -> Self {
        let number = |name| period.number(name).map(whole);
        let failing = period.number("atd_audit_failing_since_timestamp_seconds");
        Self {
            seconds: period.seconds,
            calls: whole(period.calls()),
            calls_total: whole(period.total()),
            in_flight: whole(period.in_flight()),
            waiting: number("atd_calls_waiting").unwrap_or(0),
            connections_open: number("atd_connections_open").unwrap_or(0),
            connections_refused: whole(period.added("atd_connections_refused_total")),
            refusals: period
                .refusals()
                .map(|(scope, count)| (scope, whole(count)))
                .collect(),
            audit: AuditDocument {
                lost: whole(period.added("atd_audit_events_lost_total")),
                written: number("atd_audit_events_written_total")
                    .map(|_| whole(period.added("atd_audit_events_written_total"))),
                queued: number("atd_audit_events_queued"),
                failing_since: failing.filter(|since| *since > 0.0),
            },
            tools: period.tools.iter().map(ToolDocument::of).collect(),
        }
    }
}

impl<'p> ToolDocument<'p> {
    fn of(row: &'p Row) -> Self {
        let millis = |seconds: f64| (seconds * 1e6).round() / 1e3;
        let outcomes = row.outcomes.iter().filter(|(_, count)| **count > 0.0);
        Self {
            tool_id: &row.id,
            calls: whole(row.calls),
            calls_total: whole(row.total),
            in_flight: whole(row.in_flight),
            refused: whole(row.refused),
            failed: whole(row.failed),
            p50_ms: row.p50.map(millis),
            p99_ms: row.p99.map(millis),
            outcomes: outcomes
                .map(|(outcome, count)| (outcome.as_str(), whole(*count)))
                .collect(),
        }
    }
}

/// A count, which the page writes as any other number.
fn whole(count: f64) -> u64 {
    count as u64
}
