//! What is shown, line by line.

use anstyle::Style;
use atd_runtime::audit::rfc3339;

use super::reading::{Period, Row};
use crate::cli::SortBy;
use crate::failure::Failure;
use crate::metrics::Address;
use crate::output::{BOLD, DIM, RED, YELLOW, one_line};

/// How wide the column of the ids may be, at least and at most.
const ID_WIDTH: std::ops::RangeInclusive<usize> = 12..=48;

/// How wide each other column is, with the space before it.
const WIDTHS: [usize; 7] = [10, 12, 11, 10, 10, 11, 10];

/// Which of them is the total: since the start, that is the calls themselves.
const TOTAL: usize = 1;

/// Which of them are left out where there is no room for all, one after another.
const LEFT_OUT: [usize; 6] = [TOTAL, 2, 3, 6, 5, 4];

/// The line above all: what is looked at, and why it cannot be, if it cannot.
pub(super) fn title(address: &Address, problem: Option<&Failure>) -> String {
    match problem {
        None => format!("{BOLD}atd top{BOLD:#} {DIM}{address}{DIM:#}"),
        Some(problem) => format!(
            "{BOLD}atd top{BOLD:#} {RED}{}{RED:#}",
            one_line(problem.text())
        ),
    }
}

/// The server in a few lines, and a table of its tools.
pub(super) fn lines(period: &Period<'_>, sort: SortBy, width: usize) -> Vec<String> {
    let mut lines = vec![calls(period), connections(period)];
    lines.extend(refusals(period));
    lines.push(audit(period));
    lines.push(String::new());
    let columns = Columns::of(period, width);
    lines.push(header(period, sort, &columns));
    lines.extend(period.tools.iter().map(|row| tool(period, row, &columns)));
    lines
}

/// The beginning of a line that is as wide as that, its colours apart.
pub(super) fn cut(line: &str, width: usize) -> String {
    let mut cut = String::new();
    let (mut room, mut is_order) = (width, false);
    for char in line.chars() {
        is_order |= char == '\x1b';
        let fits = is_order || room > 0;
        if fits {
            cut.push(char);
        }
        room -= usize::from(fits && !is_order);
        is_order &= char != 'm';
    }
    cut
}

/// How wide the column of the ids is, and which of the others there are.
struct Columns {
    id: usize,
    others: [bool; WIDTHS.len()],
}

impl Columns {
    fn of(period: &Period<'_>, width: usize) -> Self {
        let mut others = [true; WIDTHS.len()];
        others[TOTAL] = period.seconds.is_some();
        let wide = |others: &[bool; WIDTHS.len()]| -> usize {
            let shown = WIDTHS.iter().zip(others).filter(|(_, shown)| **shown);
            shown.map(|(width, _)| width).sum()
        };
        for out in LEFT_OUT {
            others[out] &= wide(&others) + ID_WIDTH.start() <= width;
        }
        let longest = period.tools.iter().map(|row| row.id.chars().count()).max();
        let id = longest.unwrap_or(0).min(*ID_WIDTH.end());
        let room = width.saturating_sub(wide(&others));
        Self {
            id: id.min(room).max(*ID_WIDTH.start()),
            others,
        }
    }
}

fn calls(period: &Period<'_>) -> String {
    let total = count(period.total());
    let (in_flight, waiting) = (period.in_flight(), period.number("atd_calls_waiting"));
    let rate = period.seconds.map_or(String::new(), |_| {
        format!("{BOLD}{}/s{BOLD:#}, ", per_second(period, period.calls()))
    });
    format!(
        "calls        {rate}{total} since the start, {} in flight, {} waiting",
        count(in_flight),
        count(waiting.unwrap_or(0.0)),
    )
}

fn connections(period: &Period<'_>) -> String {
    let number = |name: &str| count(period.number(name).unwrap_or(0.0));
    let refused = period
        .number("atd_connections_refused_total")
        .unwrap_or(0.0);
    let busy = period.number("busy").unwrap_or(0.0);
    let threads = busy + period.number("idle").unwrap_or(0.0);
    let abandoned = period
        .number("atd_blocking_threads_abandoned")
        .unwrap_or(0.0);
    format!(
        "connections  {} open, {}; threads {} of {} busy, {}, {} waiting",
        number("atd_connections_open"),
        marked(YELLOW, refused, "turned away"),
        count(busy),
        count(threads),
        marked(YELLOW, abandoned, "abandoned"),
        number("atd_blocking_calls_waiting"),
    )
}

fn refusals(period: &Period<'_>) -> Option<String> {
    let each: Vec<_> = period
        .refusals()
        .map(|(scope, refused)| match period.seconds {
            Some(_) => format!("{} {}/s", one_line(scope), per_second(period, refused)),
            None => format!("{} {}", one_line(scope), count(refused)),
        })
        .collect();
    // The line stays where it is while nothing is refused.
    (!each.is_empty() || period.seconds.is_some()).then(|| {
        let said = if each.is_empty() {
            "none".to_owned()
        } else {
            each.join(", ")
        };
        format!("refused      {YELLOW}{said}{YELLOW:#}")
    })
}

fn audit(period: &Period<'_>) -> String {
    let lost = period.number("atd_audit_events_lost_total").unwrap_or(0.0);
    let lost = marked(RED, lost, "lost");
    let Some(written) = period.number("atd_audit_events_written_total") else {
        return format!("audit        {YELLOW}none{YELLOW:#}, {lost}");
    };
    let queued = period.number("atd_audit_events_queued").unwrap_or(0.0)
        + period.number("atd_audit_events_waiting").unwrap_or(0.0);
    let failing = period.number("atd_audit_failing_since_timestamp_seconds");
    let failing = failing
        .filter(|since| *since > 0.0)
        .map_or(String::new(), |since| {
            let since = std::time::Duration::try_from_secs_f64(since.trunc()).unwrap_or_default();
            let since = std::time::UNIX_EPOCH.checked_add(since);
            let since = since.map_or_else(String::new, rfc3339);
            format!(", {RED}failing since {since}{RED:#}")
        });
    format!(
        "audit        {} written, {} queued, {lost}{failing}",
        count(written),
        count(queued)
    )
}

fn header(period: &Period<'_>, sort: SortBy, columns: &Columns) -> String {
    let (calls, refused, failed) = match period.seconds {
        Some(_) => ("CALLS/S", "REFUSED/S", "FAILED/S"),
        None => ("CALLS", "REFUSED", "FAILED"),
    };
    let mark = |by: SortBy, name: &str| {
        let mark = if by == sort { "▾" } else { "" };
        format!("{mark}{name}")
    };
    let cells = [
        mark(SortBy::Calls, calls),
        "TOTAL".to_owned(),
        "IN FLIGHT".to_owned(),
        "P50".to_owned(),
        mark(SortBy::Latency, "P99"),
        mark(SortBy::Refused, refused),
        mark(SortBy::Failed, failed),
    ];
    let cells = cells.map(|cell| (Style::new(), cell));
    let row = row(&mark(SortBy::Tool, "TOOL"), columns, &cells);
    format!("{BOLD}{row}{BOLD:#}")
}

fn tool(period: &Period<'_>, tool: &Row, columns: &Columns) -> String {
    let rate = |number: f64| match period.seconds {
        Some(_) => per_second(period, number),
        None => count(number),
    };
    let style = |style: Style, number: f64| if number > 0.0 { style } else { DIM };
    let plain = Style::new();
    let cells = [
        (style(BOLD, tool.calls), rate(tool.calls)),
        (plain, count(tool.total)),
        (style(plain, tool.in_flight), count(tool.in_flight)),
        (plain, tool.p50.map_or_else(|| "-".to_owned(), time)),
        (plain, tool.p99.map_or_else(|| "-".to_owned(), time)),
        (style(YELLOW, tool.refused), rate(tool.refused)),
        (style(RED, tool.failed), rate(tool.failed)),
    ];
    row(&one_line(&tool.id), columns, &cells)
}

fn row(first: &str, columns: &Columns, cells: &[(Style, String); WIDTHS.len()]) -> String {
    let mut row: String = first.chars().take(columns.id).collect();
    let room = columns.id.saturating_sub(first.chars().count());
    row.extend(std::iter::repeat_n(' ', room));
    for (((style, cell), width), shown) in cells.iter().zip(WIDTHS).zip(columns.others) {
        if shown {
            row.push_str(&format!("{style}{cell:>width$}{style:#}"));
        }
    }
    row
}

/// A number of what should not be, with its name: seen at once where it is not 0.
fn marked(style: Style, number: f64, name: &str) -> String {
    if number > 0.0 {
        format!("{style}{} {name}{style:#}", count(number))
    } else {
        format!("0 {name}")
    }
}

fn per_second(period: &Period<'_>, number: f64) -> String {
    let seconds = period.seconds.filter(|seconds| *seconds > 0.0);
    let rate = number / seconds.unwrap_or(1.0);
    if rate > 0.0 && rate < 10.0 {
        format!("{rate:.1}")
    } else {
        count(rate)
    }
}

/// A whole number, its thousands apart.
fn count(number: f64) -> String {
    let digits = (number.round() as u64).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds in the unit that shows them with three digits.
fn time(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let places = match number {
        n if n < 9.995 => 2,
        n if n < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.places$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{count, time};

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        for (number, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1e3, "1,000"),
            (1234567.0, "1,234,567"),
        ] {
            assert_eq!(count(number), text);
        }
        for (seconds, text) in [
            (0.0, "0.00 µs"),
            (1.5e-6, "1.50 µs"),
            (99.5e-6, "99.5 µs"),
            (0.123456, "123 ms"),
            (2.0, "2.00 s"),
            (67.1, "67.1 s"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
