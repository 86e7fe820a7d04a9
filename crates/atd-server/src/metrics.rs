//! What the server counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use atd_registry::BlockingStats;

/// The counters behind [`MetricsSnapshot`].
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) calls: Counter,
    pub(crate) calls_ended: Counter,
    pub(crate) connections: Counter,
    pub(crate) connections_ended: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) output_misfits: Counter,
    /// Events that the audit sink panicked on.
    pub(crate) audit_panics: Counter,
    /// Events of calls that were refused for want of an audit, and for which
    /// there was no room to wait for it.
    pub(crate) audit_skipped: Counter,
}

/// A number that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the server has done and is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls begun, whatever became of them.
    pub calls: u64,
    /// Calls under way.
    pub calls_in_flight: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are open.
    pub connections_open: u64,
    /// Connections turned away: another user, or too many.
    pub connections_refused: u64,
    /// Results that did not fit their tool's output schema, where somebody
    /// looked.
    pub output_misfits: u64,
    /// Audit events lost.
    pub audit_lost: u64,
    /// The threads of the tools that block.
    pub blocking: BlockingStats,
    /// How often the watchdog found an async tool holding a worker for longer
    /// than it should, by tool.
    pub stalls: BTreeMap<String, u64>,
}
