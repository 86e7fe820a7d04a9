//! Which plots the page has.

use super::super::comparison::{Comparison, Measure, One};
use super::plot::{Line, Plot, Point};
use super::{colour, escaped};

/// A measure over what the last part of a case's name counts.
type Growing = (&'static str, &'static str, Measure, &'static str);

const GROWING: &[Growing] = &[
    (
        "Calls a second",
        "socket/connections/",
        Measure::Rate,
        "connections, each with one request at a time",
    ),
    (
        "Server’s processor time for a call",
        "socket/connections/",
        Measure::Cpu,
        "connections, each with one request at a time",
    ),
    (
        "Time of a list of all tools",
        "socket/tool_list/",
        Measure::Time,
        "tools",
    ),
    (
        "Calls a second, beside other tools",
        "socket/tools/",
        Measure::Rate,
        "other tools",
    ),
    (
        "Audit events a second",
        "sink/producers/",
        Measure::Rate,
        "threads that report",
    ),
    (
        "Memory of an idle connection",
        "memory/",
        Measure::Memory,
        "connections",
    ),
];

/// How long single ones take, of the events or calls of a case.
const DISTRIBUTED: &[(&str, &str, &str)] = &[
    (
        "What a client waits for its answer: one connection",
        "socket/one",
        CALLS,
    ),
    (
        "What a client waits for its answer: eight connections at once",
        "socket/connections/8",
        CALLS,
    ),
    (
        "What a client waits for its answer: a thousand connections at once",
        "socket/connections/1000",
        CALLS,
    ),
    (
        "What a call waits for its audit event: one thread, all it has",
        "sink/producers/1",
        EVENTS,
    ),
    (
        "What a call waits for its audit event: four threads, all they have",
        "sink/producers/4",
        EVENTS,
    ),
    (
        "What a call waits for its audit event: one every 20 µs",
        "sink/paced",
        EVENTS,
    ),
];

const CALLS: &str = "of the calls, took at most";
const EVENTS: &str = "of the events, took at most";

/// Quantiles, each as far along as it has nines.
const QUANTILES: &[(Measure, f64, &str)] = &[
    (Measure::P50, 0.3, "50 %"),
    (Measure::P90, 1.0, "90 %"),
    (Measure::P99, 2.0, "99 %"),
    (Measure::P999, 3.0, "99.9 %"),
    (Measure::Max, 4.0, "all"),
];

/// Each plot of which the run has the numbers.
pub(super) fn all(comparison: &Comparison) -> String {
    let growing = GROWING.iter().map(|plot| growing(comparison, plot));
    let distributed = DISTRIBUTED
        .iter()
        .map(|(title, case, of)| distributed(comparison, title, case, of));
    growing.chain(distributed).flatten().collect()
}

fn growing(comparison: &Comparison, &(title, prefix, measure, across): &Growing) -> Option<String> {
    let mut counts: Vec<u32> = comparison
        .rows
        .iter()
        .filter_map(|row| row.case.strip_prefix(prefix)?.parse().ok())
        .collect();
    counts.sort_unstable();
    counts.dedup();
    // 8 and 10 connections are too near to have a number each.
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for count in &counts {
        let at = f64::from(*count).log10();
        if ticks.last().is_none_or(|(before, _)| at - before > 0.2) {
            ticks.push((at, count.to_string()));
        }
    }
    let places = counts.iter().map(|count| {
        let at = f64::from(*count).log10();
        (at, format!("{prefix}{count}"), measure)
    });
    let places: Vec<_> = places.collect();
    figure(comparison, title, across, ticks, &places)
}

fn distributed(comparison: &Comparison, title: &str, case: &str, of: &str) -> Option<String> {
    let ticks = QUANTILES
        .iter()
        .map(|(_, at, label)| (*at, (*label).to_owned()));
    let places = QUANTILES
        .iter()
        .map(|(measure, at, _)| (*at, case.to_owned(), *measure));
    let places: Vec<_> = places.collect();
    figure(comparison, title, of, ticks.collect(), &places)
}

/// A plot of these numbers: where each stands, of which case, and which it is.
fn figure(
    comparison: &Comparison,
    title: &str,
    across: &str,
    ticks: Vec<(f64, String)>,
    places: &[(f64, String, Measure)],
) -> Option<String> {
    let measure = places.first()?.2;
    let lines = comparison.names().into_iter().map(|name| Line {
        name: name.to_owned(),
        colour: colour(comparison, name),
        points: points(comparison, name, places),
    });
    // A line needs two ends.
    let lines: Vec<_> = lines.filter(|line| line.points.len() > 1).collect();
    let svg = Plot {
        title,
        across,
        ticks,
        lines,
        show: &|value| measure.show(value),
    }
    .svg()?;
    let title = escaped(title);
    Some(format!(
        "<figure><figcaption>{title}</figcaption>\n{svg}</figure>\n"
    ))
}

fn points(comparison: &Comparison, name: &str, places: &[(f64, String, Measure)]) -> Vec<Point> {
    let point = |at: f64, one: &One| Point {
        at,
        value: one.median,
        range: one.range(),
    };
    places
        .iter()
        .filter_map(|(at, case, measure)| Some(point(*at, comparison.one(case, *measure, name)?)))
        .collect()
}
