//! The counters at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use atd_gate::Waits;
use atd_registry::BlockingStats;

use super::ending::CallEnding;
use super::histogram::LatencyHistogram;
use crate::dispatch::Dispatcher;

/// What the server has done and is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls begun, whatever became of them.
    pub calls: u64,
    /// Calls under way.
    pub calls_in_flight: u64,
    /// Calls that wait for a place among those of their connection, unbegun.
    pub calls_waiting: u64,
    /// The tools that were called, by id. Ids that no tool had are counted
    /// together, under `unknown`; so are the tools beyond the first 1024, under
    /// `other`. A tool that was removed stays.
    pub tools: BTreeMap<Arc<str>, ToolMetrics>,
    /// Calls that the gate did not let through, by what stood in their way: a
    /// limit's scope as the wire spells it, `capability` or `credentials`.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Calls that waited for a limit instead of being refused.
    pub limit_waits: Waits,
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are open.
    pub connections_open: u64,
    /// Connections turned away: another user, or too many.
    pub connections_refused: u64,
    /// Reports of progress that were sent.
    pub progress_reports: u64,
    /// Results that did not fit their tool's output schema, where somebody
    /// looked.
    pub output_misfits: u64,
    /// Audit events lost.
    pub audit_lost: u64,
    /// How the audit stands, if one is kept.
    pub audit: Option<AuditMetrics>,
    /// The threads of the tools that block.
    pub blocking: BlockingStats,
    /// How often the watchdog found an async tool holding a worker for longer
    /// than it should, by tool.
    pub stalls: BTreeMap<String, u64>,
}

/// What became of the calls of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolMetrics {
    /// Calls begun.
    pub calls: u64,
    /// Calls under way.
    pub in_flight: u64,
    /// How long the calls took that reached the tool.
    pub latency: LatencyHistogram,
    ended: [u64; CallEnding::ALL.len()],
}

impl ToolMetrics {
    pub(super) fn new(
        calls: u64,
        ended: [u64; CallEnding::ALL.len()],
        latency: LatencyHistogram,
    ) -> Self {
        Self {
            calls,
            in_flight: calls.saturating_sub(ended.iter().sum()),
            latency,
            ended,
        }
    }

    /// How many calls ended so.
    pub fn ended(&self, how: CallEnding) -> u64 {
        self.ended.get(how.index()).copied().unwrap_or(0)
    }
}

/// How the audit stands, as far as its sink says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditMetrics {
    /// Events that wait in the server, because the sink has no room.
    pub waiting: u64,
    /// Events that the sink has and has not written.
    pub queued: u64,
    /// Events on record.
    pub written: u64,
    /// Events that a full queue passed on to another sink.
    pub spilled: u64,
    /// Since when nothing can be written; `None` while it can.
    pub failing_since: Option<SystemTime>,
}

impl Dispatcher {
    /// What the server has done and is doing.
    pub fn metrics_snapshot(&self) -> MetricsSnapshot {
        let counted = &self.metrics;
        let tools: BTreeMap<_, _> = counted.tools.snapshot().collect();
        // What has ended is read first, so that no difference is negative.
        let connections_ended = counted.connections_ended.get();
        let waits_ended = counted.waits_ended.get();
        let connections = counted.connections.get();
        let health = self.audit.as_ref().map(|audit| audit.sink.health());
        MetricsSnapshot {
            calls: tools.values().map(|tool| tool.calls).sum(),
            calls_in_flight: tools.values().map(|tool| tool.in_flight).sum(),
            calls_waiting: counted.waits.get().saturating_sub(waits_ended),
            tools,
            refusals: counted.refusals.all().collect(),
            limit_waits: self.gate.waits(),
            connections,
            connections_open: connections.saturating_sub(connections_ended),
            connections_refused: counted.connections_refused.get(),
            progress_reports: counted.progress_reports.get(),
            output_misfits: counted.output_misfits.get(),
            audit_lost: counted.audit_panics.get()
                + counted.audit_skipped.get()
                + health.as_ref().map_or(0, |health| health.lost),
            audit: health.map(|health| AuditMetrics {
                waiting: self.handing_over.len() as u64,
                queued: health.queued,
                written: health.written,
                spilled: health.spilled,
                failing_since: health.failing_since,
            }),
            blocking: self.registry.blocking().stats(),
            stalls: self.watch.stalls(),
        }
    }
}
