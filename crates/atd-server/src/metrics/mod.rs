//! What the server counts.
//!
//! A call touches the cell of its tool alone, which lies beside the registered
//! tool, and there what its thread has of it: four additions to what no other
//! thread writes, no lock and no look-up.

mod ending;
mod histogram;
mod prometheus;
mod snapshot;
mod striped;
mod tools;

use std::sync::atomic::{AtomicU64, Ordering};

use atd_gate::{Refusal, Scope};

pub use self::ending::CallEnding;
pub use self::histogram::LatencyHistogram;
pub use self::snapshot::{AuditMetrics, MetricsSnapshot, ToolMetrics};
pub(crate) use self::tools::ToolTable;

/// The counters behind [`MetricsSnapshot`].
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) tools: ToolTable,
    pub(crate) refusals: Refusals,
    pub(crate) connections: Counter,
    pub(crate) connections_ended: Counter,
    pub(crate) connections_refused: Counter,
    /// Calls that began to wait for a place on their connection, and those
    /// that ceased to.
    pub(crate) waits: Counter,
    pub(crate) waits_ended: Counter,
    pub(crate) progress_reports: Counter,
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
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Calls that the gate did not let through, by what stood in their way.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    capability: Counter,
    lapsed: Counter,
    limits: [Counter; Scope::ALL.len()],
    other: Counter,
}

impl Refusals {
    pub(crate) fn count(&self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::CapabilityDenied { .. } => &self.capability,
            Refusal::Lapsed(_) => &self.lapsed,
            Refusal::RateLimited { scope, .. } => {
                let at = Scope::ALL.iter().position(|known| known == scope);
                at.and_then(|at| self.limits.get(at)).unwrap_or(&self.other)
            }
            _ => &self.other,
        };
        counter.add_one();
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let limits = Scope::ALL.iter().map(|scope| scope.as_str());
        let fixed = [
            ("capability", &self.capability),
            ("credentials", &self.lapsed),
            ("other", &self.other),
        ];
        let all = limits.zip(&self.limits).chain(fixed);
        all.map(|(scope, counter)| (scope, counter.get()))
    }
}
