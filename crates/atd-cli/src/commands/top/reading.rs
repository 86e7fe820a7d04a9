//! One look at the page, and what came between two.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use super::latency::Latencies;
use crate::cli::SortBy;
use crate::metrics::Page;

/// What a page says.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    tools: BTreeMap<String, Tool>,
    refusals: BTreeMap<String, f64>,
    /// Every metric of one number.
    numbers: BTreeMap<&'static str, f64>,
}

#[derive(Clone, Debug, Default)]
struct Tool {
    outcomes: BTreeMap<String, f64>,
    latencies: Latencies,
    in_flight: f64,
}

/// The metrics of one number that are shown.
const NUMBERS: [&str; 12] = [
    "atd_audit_events_lost_total",
    "atd_audit_events_queued",
    "atd_audit_events_waiting",
    "atd_audit_events_written_total",
    "atd_audit_failing_since_timestamp_seconds",
    "atd_blocking_calls_waiting",
    "atd_blocking_threads_abandoned",
    "atd_calls_waiting",
    "atd_connections_open",
    "atd_connections_refused_total",
    "atd_connections_total",
    "atd_progress_reports_total",
];

/// The outcomes that are refusals: the tool was kept from running.
const REFUSED: [&str; 9] = [
    "audit_unavailable",
    "broker_failed",
    "capability_denied",
    "credentials_lapsed",
    "cursor_refused",
    "overloaded",
    "rate_limited",
    "shut_down",
    "tool_not_found",
];

impl Reading {
    pub(super) fn of(page: &Page) -> Self {
        let mut reading = Self::default();
        for sample in page.all("atd_calls_total") {
            let outcomes = &mut reading.tool(sample.label("tool")).outcomes;
            outcomes.insert(sample.label("outcome").to_owned(), sample.value);
        }
        for sample in page.all("atd_call_duration_seconds_bucket") {
            let bound = sample.label("le").parse().unwrap_or(f64::NAN);
            // Ours are far from a year.
            if !(0.0..1e8).contains(&bound) && bound != f64::INFINITY {
                continue;
            }
            let latencies = &mut reading.tool(sample.label("tool")).latencies;
            latencies.0.push((bound, sample.value));
        }
        for sample in page.all("atd_calls_in_flight") {
            reading.tool(sample.label("tool")).in_flight = sample.value;
        }
        for sample in page.all("atd_refusals_total") {
            let scope = sample.label("scope").to_owned();
            reading.refusals.insert(scope, sample.value);
        }
        for sample in page.all("atd_blocking_threads") {
            let name = match sample.label("state") {
                "busy" => "busy",
                _ => "idle",
            };
            reading.numbers.insert(name, sample.value);
        }
        for name in NUMBERS {
            if let Some(value) = page.one(name) {
                reading.numbers.insert(name, value);
            }
        }
        reading
    }

    fn tool(&mut self, id: &str) -> &mut Tool {
        self.tools.entry(id.to_owned()).or_default()
    }
}

/// What came between two looks, or since the server's start.
#[derive(Debug)]
pub(super) struct Period<'r> {
    now: &'r Reading,
    before: Option<&'r Reading>,
    /// How long it is; `None` since the start.
    pub(super) seconds: Option<f64>,
    pub(super) tools: Vec<Row>,
}

/// What came of one tool.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    /// Since the start.
    pub(super) total: f64,
    pub(super) calls: f64,
    pub(super) refused: f64,
    /// Calls that were let through and had no result.
    pub(super) failed: f64,
    pub(super) in_flight: f64,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) outcomes: BTreeMap<String, f64>,
}

impl<'r> Period<'r> {
    pub(super) fn since_start(now: &'r Reading, sort: SortBy) -> Self {
        Self::between(None, now, None, sort)
    }

    /// Since an earlier look, if there was one.
    pub(super) fn since(
        before: Option<&'r (Duration, Reading)>,
        now: &'r Reading,
        at: Duration,
        sort: SortBy,
    ) -> Self {
        let seconds = before.map(|(then, _)| at.saturating_sub(*then).as_secs_f64());
        Self::between(before.map(|(_, reading)| reading), now, seconds, sort)
    }

    fn between(
        before: Option<&'r Reading>,
        now: &'r Reading,
        seconds: Option<f64>,
        sort: SortBy,
    ) -> Self {
        let tools = now.tools.iter();
        let mut tools: Vec<_> = tools
            .map(|(id, tool)| Row::new(id, tool, before.and_then(|before| before.tools.get(id))))
            .collect();
        tools.sort_by(|a, b| a.compare(b, sort));
        Self {
            now,
            before,
            seconds,
            tools,
        }
    }

    /// A number that goes up and down, or the total of one that only rises.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.now.numbers.get(name).copied()
    }

    /// What was added to a number that only rises.
    pub(super) fn added(&self, name: &str) -> f64 {
        let before = self.before.and_then(|before| before.numbers.get(name));
        added(self.number(name).unwrap_or(0.0), before)
    }

    /// What was refused, by scope, where there was anything.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (&str, f64)> {
        let all = self.now.refusals.iter();
        let all = all.map(|(scope, now)| {
            let before = self.before.and_then(|before| before.refusals.get(scope));
            (scope.as_str(), added(*now, before))
        });
        all.filter(|(_, count)| *count > 0.0)
    }

    pub(super) fn calls(&self) -> f64 {
        self.tools.iter().map(|row| row.calls).sum()
    }

    pub(super) fn total(&self) -> f64 {
        self.tools.iter().map(|row| row.total).sum()
    }

    pub(super) fn in_flight(&self) -> f64 {
        self.tools.iter().map(|row| row.in_flight).sum()
    }
}

impl Row {
    fn new(id: &str, now: &Tool, before: Option<&Tool>) -> Self {
        let mut outcomes = BTreeMap::new();
        for (outcome, count) in &now.outcomes {
            let before = before.and_then(|before| before.outcomes.get(outcome));
            outcomes.insert(outcome.clone(), added(*count, before));
        }
        let sum = |wanted: &dyn Fn(&str) -> bool| {
            let all = outcomes.iter().filter(|(outcome, _)| wanted(outcome));
            all.fold(0.0, |sum, (_, count)| sum + count)
        };
        let refused = |outcome: &str| REFUSED.contains(&outcome);
        let latencies = before.map_or_else(
            || now.latencies.clone(),
            |before| now.latencies.since(&before.latencies),
        );
        Self {
            id: id.to_owned(),
            total: now.outcomes.values().sum(),
            calls: sum(&|_| true),
            refused: sum(&refused),
            failed: sum(&|outcome| outcome != "success" && !refused(outcome)),
            in_flight: now.in_flight,
            p50: latencies.quantile(0.5),
            p99: latencies.quantile(0.99),
            outcomes,
        }
    }

    /// The order in which they are shown: the most first, and by id where
    /// nothing else tells them apart.
    fn compare(&self, other: &Self, sort: SortBy) -> Ordering {
        let key = |row: &Self| match sort {
            SortBy::Calls => row.calls,
            SortBy::Latency => row.p99.unwrap_or(0.0),
            SortBy::Refused => row.refused,
            SortBy::Failed => row.failed,
            SortBy::Tool => 0.0,
        };
        let most_first = key(other).total_cmp(&key(self));
        let most_first = match sort {
            SortBy::Calls => most_first.then(other.total.total_cmp(&self.total)),
            _ => most_first,
        };
        most_first.then_with(|| self.id.cmp(&other.id))
    }
}

/// What was added to a counter; all of it where it fell, as after a restart.
fn added(now: f64, before: Option<&f64>) -> f64 {
    match before {
        Some(before) if *before <= now => now - before,
        _ => now,
    }
}
