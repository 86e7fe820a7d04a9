//! The counters as Prometheus reads them.

use std::fmt::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use super::ending::CallEnding;
use super::snapshot::{AuditMetrics, MetricsSnapshot};

impl MetricsSnapshot {
    /// Writes a page in Prometheus' text format 0.0.4, whose content type is
    /// `text/plain; version=0.0.4`.
    ///
    /// | metric | type | labels |
    /// | --- | --- | --- |
    /// | `atd_calls_total` | counter | `tool`, `outcome`: the words of [`CallEnding`] |
    /// | `atd_call_duration_seconds` | histogram | `tool`; the calls that reached it |
    /// | `atd_calls_in_flight` | gauge | `tool` |
    /// | `atd_calls_waiting` | gauge | |
    /// | `atd_refusals_total` | counter | `scope`: see [`refusals`](Self::refusals) |
    /// | `atd_limit_waiting` | gauge | |
    /// | `atd_limit_waits_total` | counter | `end`: `admitted`, `in_vain` |
    /// | `atd_connections_total`, `atd_connections_refused_total` | counter | |
    /// | `atd_connections_open` | gauge | |
    /// | `atd_progress_reports_total`, `atd_output_misfits_total` | counter | |
    /// | `atd_stalls_total` | counter | `tool` |
    /// | `atd_blocking_threads` | gauge | `state`: `busy`, `idle` |
    /// | `atd_blocking_threads_abandoned`, `atd_blocking_calls_waiting` | gauge | |
    /// | `atd_audit_events_written_total`, `atd_audit_events_spilled_total` | counter | |
    /// | `atd_audit_events_lost_total` | counter | |
    /// | `atd_audit_events_queued`, `atd_audit_events_waiting` | gauge | |
    /// | `atd_audit_failing_since_timestamp_seconds` | gauge | 0 while all is well |
    ///
    /// Those of the audit, but for the lost events, are left out where none is
    /// kept.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_prometheus(&self, out: &mut impl Write) -> fmt::Result {
        let mut page = Page(out);
        self.write_tools(&mut page)?;
        self.write_server(&mut page)?;
        page.one(
            ("atd_audit_events_lost_total", COUNTER),
            "Audit events lost.",
            self.audit_lost,
        )?;
        self.audit
            .as_ref()
            .map_or(Ok(()), |audit| write_audit(audit, &mut page))
    }

    fn write_tools<W: Write>(&self, page: &mut Page<'_, W>) -> fmt::Result {
        page.family(
            ("atd_calls_total", COUNTER),
            "Calls that have ended, by what became of them.",
        )?;
        for (id, tool) in &self.tools {
            for ending in CallEnding::ALL {
                let labels = [("tool", &**id), ("outcome", ending.as_str())];
                page.sample("atd_calls_total", &labels, tool.ended(ending))?;
            }
        }
        page.family(
            ("atd_call_duration_seconds", "histogram"),
            "How long calls took that reached their tool.",
        )?;
        for (id, tool) in &self.tools {
            let mut so_far = 0;
            for (bound, count) in tool.latency.buckets() {
                so_far += count;
                let le = bound.map_or("+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
                let labels = [("tool", &**id), ("le", &le)];
                page.sample("atd_call_duration_seconds_bucket", &labels, so_far)?;
            }
            let (labels, sum) = ([("tool", &**id)], tool.latency.sum().as_secs_f64());
            page.sample("atd_call_duration_seconds_sum", &labels, sum)?;
            page.sample("atd_call_duration_seconds_count", &labels, so_far)?;
        }
        let in_flight = self.tools.iter().map(|(id, tool)| (&**id, tool.in_flight));
        page.all(
            ("atd_calls_in_flight", GAUGE),
            "Calls under way.",
            "tool",
            in_flight,
        )
    }

    fn write_server<W: Write>(&self, page: &mut Page<'_, W>) -> fmt::Result {
        page.one(
            ("atd_calls_waiting", GAUGE),
            "Calls that wait for a place among those of their connection.",
            self.calls_waiting,
        )?;
        page.all(
            ("atd_refusals_total", COUNTER),
            "Calls that the gate did not let through, by what stood in their way.",
            "scope",
            self.refusals.iter().map(|(scope, count)| (*scope, *count)),
        )?;
        page.one(
            ("atd_limit_waiting", GAUGE),
            "Calls that wait for a limit to have room for them.",
            self.limit_waits.waiting,
        )?;
        page.all(
            ("atd_limit_waits_total", COUNTER),
            "Calls that have waited for a limit, by whether they were let through.",
            "end",
            [
                ("admitted", self.limit_waits.admitted),
                ("in_vain", self.limit_waits.in_vain()),
            ],
        )?;
        for (metric, help, value) in [
            (
                ("atd_connections_total", COUNTER),
                "Connections accepted.",
                self.connections,
            ),
            (
                ("atd_connections_open", GAUGE),
                "Connections that are open.",
                self.connections_open,
            ),
            (
                ("atd_connections_refused_total", COUNTER),
                "Connections turned away.",
                self.connections_refused,
            ),
            (
                ("atd_progress_reports_total", COUNTER),
                "Reports of progress that were sent.",
                self.progress_reports,
            ),
            (
                ("atd_output_misfits_total", COUNTER),
                "Results that did not fit their tool's output schema, where that is checked.",
                self.output_misfits,
            ),
        ] {
            page.one(metric, help, value)?;
        }
        let stalls = self.stalls.iter().map(|(id, count)| (&**id, *count));
        page.all(
            ("atd_stalls_total", COUNTER),
            "Times that an async tool held a worker for longer than it should.",
            "tool",
            stalls,
        )?;
        let blocking = &self.blocking;
        let idle = blocking.threads.saturating_sub(blocking.busy);
        page.all(
            ("atd_blocking_threads", GAUGE),
            "Threads of the tools that block.",
            "state",
            [("busy", blocking.busy as u64), ("idle", idle as u64)],
        )?;
        page.one(
            ("atd_blocking_threads_abandoned", GAUGE),
            "Of the busy threads, those whose call was answered without them.",
            blocking.abandoned as u64,
        )?;
        page.one(
            ("atd_blocking_calls_waiting", GAUGE),
            "Calls that wait for a thread.",
            blocking.waiting as u64,
        )
    }
}

fn write_audit<W: Write>(audit: &AuditMetrics, page: &mut Page<'_, W>) -> fmt::Result {
    for (metric, help, value) in [
        (
            ("atd_audit_events_written_total", COUNTER),
            "Audit events on record.",
            audit.written,
        ),
        (
            ("atd_audit_events_spilled_total", COUNTER),
            "Audit events that a full queue passed on to another sink.",
            audit.spilled,
        ),
        (
            ("atd_audit_events_queued", GAUGE),
            "Audit events that the sink has not written yet.",
            audit.queued,
        ),
        (
            ("atd_audit_events_waiting", GAUGE),
            "Audit events that wait in the server for room in the sink.",
            audit.waiting,
        ),
    ] {
        page.one(metric, help, value)?;
    }
    let since = audit.failing_since;
    let since = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
    page.one(
        ("atd_audit_failing_since_timestamp_seconds", GAUGE),
        "Since when no audit event can be written, in seconds since 1970; 0 while they can.",
        since.as_ref().map_or(0.0, Duration::as_secs_f64),
    )
}

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";

/// A page that is being written.
struct Page<'a, W>(&'a mut W);

impl<W: Write> Page<'_, W> {
    /// What stands above the samples of a metric. Neither name nor help comes
    /// from outside, so nothing in them is escaped.
    fn family(&mut self, (name, kind): (&str, &str), help: &str) -> fmt::Result {
        writeln!(self.0, "# HELP {name} {help}")?;
        writeln!(self.0, "# TYPE {name} {kind}")
    }

    fn sample(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl fmt::Display,
    ) -> fmt::Result {
        self.0.write_str(name)?;
        for (n, (label, text)) in labels.iter().enumerate() {
            let before = if n == 0 { '{' } else { ',' };
            write!(self.0, "{before}{label}=\"{}\"", Escaped(text))?;
        }
        let after = if labels.is_empty() { "" } else { "}" };
        writeln!(self.0, "{after} {value}")
    }

    /// A metric of one sample.
    fn one(&mut self, metric: (&str, &str), help: &str, value: impl fmt::Display) -> fmt::Result {
        self.family(metric, help)?;
        self.sample(metric.0, &[], value)
    }

    /// A metric with a sample for each value of its one label.
    fn all<'l>(
        &mut self,
        metric: (&str, &str),
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        self.family(metric, help)?;
        let mut samples = samples.into_iter();
        samples.try_for_each(|(text, value)| self.sample(metric.0, &[(label, text)], value))
    }
}

/// The value of a label, as it stands between its quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_label_cannot_end_it() {
        let mut text = String::new();
        let value = "a\\b\"} 1\nforged{x=\"";
        Page(&mut text).sample("m", &[("l", value)], 2).unwrap();
        assert_eq!(text, "m{l=\"a\\\\b\\\"} 1\\nforged{x=\\\"\"} 2\n");
    }
}
