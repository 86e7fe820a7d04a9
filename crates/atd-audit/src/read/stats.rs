//! What the calls of each tool have in common.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::OutcomeKind;
use crate::CallEvent;

/// How many tools are told apart. A caller can ask for any number of tools
/// that are not there, and each leaves an event.
const TOOL_LIMIT: usize = 1000;
/// Digits of a duration that are kept: percentiles are right within 1 %.
const DIGITS: u8 = 2;

/// The calls of each tool, counted, in memory that is bounded by some tens of
/// megabytes whatever is in the log.
///
/// ```
/// # fn count(log: &atd_audit::AuditLog) -> Result<(), atd_audit::ReadError> {
/// use atd_audit::{Query, Statistics};
///
/// let mut statistics = Statistics::new();
/// for entry in log.query(Query::new()) {
///     statistics.add(&entry?.event);
/// }
/// for (tool, calls) in statistics.tools() {
///     println!("{tool}: {} calls, p99 {} ms", calls.count(), calls.percentile_ms(99.0));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    tools: BTreeMap<String, ToolStatistics>,
    others: Option<ToolStatistics>,
    total: ToolStatistics,
}

impl Statistics {
    /// No call yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the call of `event`.
    pub fn add(&mut self, event: &CallEvent) {
        self.total.add(event);
        if let Some(tool) = self.tools.get_mut(&event.tool_id) {
            tool.add(event);
        } else if self.tools.len() < TOOL_LIMIT {
            let tool = self.tools.entry(event.tool_id.clone()).or_default();
            tool.add(event);
        } else {
            self.others.get_or_insert_default().add(event);
        }
    }

    /// The tools, in the order of their ids: the first 1000 that were seen.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &ToolStatistics)> {
        self.tools.iter().map(|(id, tool)| (id.as_str(), tool))
    }

    /// The calls of all tools beyond these 1000 together; `None` if there were
    /// no more.
    #[must_use]
    pub fn others(&self) -> Option<&ToolStatistics> {
        self.others.as_ref()
    }

    /// The calls of all tools together.
    #[must_use]
    pub fn total(&self) -> &ToolStatistics {
        &self.total
    }
}

/// The calls of one tool, counted.
#[derive(Debug, Clone)]
pub struct ToolStatistics {
    outcomes: [u64; OutcomeKind::ALL.len()],
    durations: Histogram<u64>,
    max_ms: u64,
}

impl Default for ToolStatistics {
    fn default() -> Self {
        Self {
            outcomes: [0; OutcomeKind::ALL.len()],
            durations: new_histogram(),
            max_ms: 0,
        }
    }
}

#[expect(
    clippy::unwrap_used,
    reason = "a histogram refuses more than 5 digits, and these are 2"
)]
fn new_histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).unwrap()
}

impl ToolStatistics {
    fn add(&mut self, event: &CallEvent) {
        let kind = OutcomeKind::from(&event.outcome);
        self.outcomes[kind as usize] += 1;
        // It grows to whatever is recorded, so it takes every value.
        let _ = self.durations.record(event.duration_ms);
        self.max_ms = self.max_ms.max(event.duration_ms);
    }

    /// How many calls there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// How many calls ended so.
    #[must_use]
    pub fn outcome(&self, kind: OutcomeKind) -> u64 {
        self.outcomes[kind as usize]
    }

    /// The duration, in milliseconds, that so many of a hundred calls took at
    /// most, right within 1 %; 0 if there was no call.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> u64 {
        // What a histogram says is the upper end of a range of values.
        let value = self.durations.value_at_quantile(percent / 100.0);
        value.min(self.max_ms)
    }

    /// The longest duration in milliseconds; 0 if there was no call.
    #[must_use]
    pub fn max_ms(&self) -> u64 {
        self.max_ms
    }
}
