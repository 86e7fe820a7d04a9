//! `atd audit stats`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use atd_runtime::audit::{
    AuditLog, OutcomeKind, Statistics, Timeline, ToolStatistics, parse_rfc3339, rfc3339,
};
use serde::Serialize;

use super::{chart, counted, filter, note_bad_lines, printer};
use crate::cli::AuditStatsOptions;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, one_line};
use crate::{output, paths};

/// How many characters wide the sparkline and the bars may be.
const LINE_WIDTH: usize = 60;
const BAR_WIDTH: usize = 24;
/// How wide the ids of tools may be.
const ID_WIDTH: usize = 40;

#[derive(Serialize)]
struct Document {
    total: ToolDocument,
    tools: Vec<ToolDocument>,
    timeline: TimelineDocument,
    bad_lines: u64,
}

#[derive(Serialize)]
struct ToolDocument {
    /// Left out where all tools, or all the tools beyond a limit, are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_id: Option<String>,
    count: u64,
    outcomes: BTreeMap<&'static str, u64>,
    p50_ms: u64,
    p95_ms: u64,
    p99_ms: u64,
    max_ms: u64,
}

#[derive(Serialize)]
struct TimelineDocument {
    start: Option<String>,
    width_seconds: u64,
    counts: Vec<u64>,
}

impl ToolDocument {
    fn of(tool_id: Option<&str>, tool: &ToolStatistics) -> Self {
        let outcomes = OutcomeKind::ALL.map(|kind| (kind.as_str(), tool.outcome(kind)));
        Self {
            tool_id: tool_id.map(str::to_owned),
            count: tool.count(),
            outcomes: outcomes.into(),
            p50_ms: tool.percentile_ms(50.0),
            p95_ms: tool.percentile_ms(95.0),
            p99_ms: tool.percentile_ms(99.0),
            max_ms: tool.max_ms(),
        }
    }
}

pub(super) fn run(options: AuditStatsOptions) -> Result<ExitCode, Failure> {
    let log = AuditLog::open(paths::audit_log(options.log.log)?)?;
    let mut statistics = Statistics::new();
    let mut timeline = Timeline::new(LINE_WIDTH);
    let mut found = log.query(filter::query(options.filter)?);
    let mut first_and_last = None;
    for entry in found.by_ref() {
        let event = entry?.event;
        statistics.add(&event);
        let (_, last) = first_and_last.get_or_insert_with(|| (event.ts.clone(), String::new()));
        last.clone_from(&event.ts);
        if let Ok(at) = parse_rfc3339(&event.ts) {
            timeline.add(at);
        }
    }
    if options.json.json {
        let tools = statistics.tools().map(|(id, tool)| (Some(id), tool));
        let others = statistics.others().map(|others| (None, others));
        output::json(&Document {
            total: ToolDocument::of(None, statistics.total()),
            tools: tools
                .chain(others)
                .map(|(id, tool)| ToolDocument::of(id, tool))
                .collect(),
            timeline: TimelineDocument {
                start: timeline.start().map(rfc3339),
                width_seconds: timeline.width().as_secs(),
                counts: timeline.counts(),
            },
            bad_lines: found.bad_lines(),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    match first_and_last {
        Some((first, last)) => {
            let calls = counted(statistics.total().count(), "call");
            let title = one_line(&format!("{calls} from {first} to {last}"));
            output::print(format!("{BOLD}{title}{BOLD:#}"))?;
            output::print(picture(&statistics, &timeline))?;
        }
        None => output::print("0 calls")?,
    }
    note_bad_lines(&found)?;
    Ok(ExitCode::SUCCESS)
}

/// All of it, for people.
fn picture(statistics: &Statistics, timeline: &Timeline) -> String {
    // Writing to a string does not fail, here and below.
    let mut text = String::new();
    let spark = chart::sparkline(&timeline.counts());
    if !spark.is_empty() {
        let each = width(timeline.width());
        let _ = writeln!(text, "\n  {spark}  {DIM}each {each}{DIM:#}");
    }

    let tools = statistics.tools().map(|(id, tool)| (one_line(id), tool));
    let others = statistics.others();
    let others = others.map(|others| ("(all other tools)".to_owned(), others));
    let mut rows: Vec<_> = tools.chain(others).collect();
    rows.sort_by_key(|(_, tool)| std::cmp::Reverse(tool.count()));
    let longest = rows.iter().map(|(id, _)| id.chars().count()).max();
    let wide = longest.unwrap_or(0).clamp(4, ID_WIDTH);
    let _ = writeln!(
        text,
        "\n{BOLD}{:<wide$}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}  OUTCOMES{BOLD:#}",
        "TOOL", "CALLS", "P50 MS", "P95 MS", "P99 MS", "MAX MS"
    );
    for (id, tool) in &rows {
        let id: String = id.chars().take(ID_WIDTH).collect();
        let _ = writeln!(
            text,
            "{id:<wide$}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}  {}",
            tool.count(),
            tool.percentile_ms(50.0),
            tool.percentile_ms(95.0),
            tool.percentile_ms(99.0),
            tool.max_ms(),
            bar(tool)
        );
    }
    text + "\n" + &legend(statistics.total())
}

/// What stands for a kind of outcome, also where there are no colours.
fn block(kind: OutcomeKind) -> char {
    match kind {
        OutcomeKind::Success => '█',
        OutcomeKind::ExecutionFailed => 'x',
        OutcomeKind::InvalidArgs => '▒',
        OutcomeKind::CapabilityDenied => '▓',
        OutcomeKind::RateLimited => '░',
        _ => '?',
    }
}

fn bar(tool: &ToolStatistics) -> String {
    let counts = OutcomeKind::ALL.map(|kind| tool.outcome(kind));
    let shares = chart::shares(&counts, BAR_WIDTH);
    let parts = OutcomeKind::ALL.into_iter().zip(shares);
    parts
        .filter(|(_, share)| *share > 0)
        .fold(String::new(), |mut bar, (kind, share)| {
            let style = printer::style(kind);
            bar.push_str(&style.render().to_string());
            bar.extend(std::iter::repeat_n(block(kind), share));
            bar.push_str(&style.render_reset().to_string());
            bar
        })
}

/// The kinds that there are, and how often.
fn legend(total: &ToolStatistics) -> String {
    let kinds = OutcomeKind::ALL
        .into_iter()
        .filter(|kind| total.outcome(*kind) > 0);
    let entries: Vec<String> = kinds
        .map(|kind| {
            let style = printer::style(kind);
            format!(
                "{style}{}{style:#} {kind} {}",
                block(kind),
                total.outcome(kind)
            )
        })
        .collect();
    format!("  {}", entries.join("   "))
}

fn width(width: Duration) -> String {
    match width.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds => counted(seconds / 86_400, "day"),
    }
}
