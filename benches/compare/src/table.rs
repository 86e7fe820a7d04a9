//! The rows as a table for people.

use crate::measure::Measure;
use crate::rows::Row;

const HEADER: [&str; 8] = [
    "case", "measured", "ours", "other", "", "ratio", "bar", "met",
];

/// One line for each row that is to be shown, its columns as wide as they need.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEADER.map(str::to_owned)];
    let mut before = "";
    for row in rows.iter().filter(|row| row.shown) {
        let case = if row.case == before { "" } else { &row.case };
        before = &row.case;
        lines.push(line(case, row));
    }
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    lines.iter().map(|line| aligned(line, &widths)).collect()
}

fn line(case: &str, row: &Row) -> [String; 8] {
    let ours = value(row.measure, row.ours.median);
    let [other, name, ratio, bar, met] =
        row.other.as_ref().map_or_else(Default::default, |other| {
            let ratio = &other.ratio;
            let [median, least, greatest] = [ratio.median, ratio.least, ratio.greatest].map(short);
            let met = other.met.map(|met| if met { "met" } else { "NOT MET" });
            [
                value(row.measure, other.one.median),
                other.one.name.to_owned(),
                format!("{median} [{least} – {greatest}]"),
                other.bar.clone().unwrap_or_default(),
                met.unwrap_or_default().to_owned(),
            ]
        });
    [
        case.to_owned(),
        label(row.measure).to_owned(),
        ours,
        other,
        name,
        ratio,
        bar,
        met,
    ]
}

/// Numbers to the right, words to the left.
fn aligned(line: &[String; 8], widths: &[usize; 8]) -> String {
    let mut text = String::new();
    for (column, (cell, &width)) in line.iter().zip(widths).enumerate() {
        let cell = match column {
            2 | 3 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        };
        text += &cell;
        text += "  ";
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn label(measure: Measure) -> &'static str {
    match measure {
        Measure::Rate => "a second",
        Measure::Time => "time",
        Measure::P50 => "p50",
        Measure::P90 => "p90",
        Measure::P99 => "p99",
        Measure::P999 => "p99.9",
        Measure::Max => "longest",
        Measure::Cpu => "server's CPU",
        Measure::Memory => "a connection",
        Measure::Recorded => "on record",
    }
}

fn value(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Rate => grouped(value),
        Measure::Memory => format!("{:.2} KiB", value / 1024.0),
        Measure::Recorded => format!("{value:.1} %"),
        _ => time(value),
    }
}

/// A whole number with a blank between each three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        below if below < 1e3 => format!("{below:.0} ns"),
        below if below < 1e6 => format!("{:.2} µs", below / 1e3),
        below if below < 1e9 => format!("{:.2} ms", below / 1e6),
        _ => format!("{:.2} s", nanoseconds / 1e9),
    }
}

/// Three digits that count.
fn short(ratio: f64) -> String {
    match ratio {
        below if below < 0.1 => format!("{below:.4}"),
        below if below < 1.0 => format!("{below:.3}"),
        below if below < 10.0 => format!("{below:.2}"),
        _ => format!("{ratio:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_times_get_a_unit() {
        let grouped = [7.0, 1234.4, 1_000_000.0].map(grouped);
        assert_eq!(grouped, ["7", "1 234", "1 000 000"]);
        let times = [999.0, 1500.0, 2e6, 3e9].map(time);
        assert_eq!(times, ["999 ns", "1.50 µs", "2.00 ms", "3.00 s"]);
        let ratios = [0.01234, 0.3333, 2.5, 61.27].map(short);
        assert_eq!(ratios, ["0.0123", "0.333", "2.50", "61.3"]);
    }
}
