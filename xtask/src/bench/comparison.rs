//! What `benches/compare` found, as it says it in JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What that package calls what is ours.
pub(super) const OURS: &str = "ours";

/// The rounds of a quick run are shorter than this.
pub(super) const FULL_SLICE_MS: u64 = 500;

/// One run of it.
#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    /// When it ended, in RFC 3339.
    pub(super) date: String,
    /// How many threads the machine runs at once.
    pub(super) cores: usize,
    pub(super) kernel: String,
    pub(super) rounds: usize,
    /// About how long one round of one subject took.
    pub(super) slice_ms: u64,
    pub(super) rows: Vec<Row>,
}

/// Ours beside one other, in one number of one case.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) measure: Measure,
    /// Whether a table should have it.
    pub(super) shown: bool,
    pub(super) ours: One,
    /// Nobody where ours was measured alone.
    pub(super) other: Option<Other>,
}

/// What one of them read.
#[derive(Debug, Deserialize)]
pub(super) struct One {
    pub(super) name: String,
    pub(super) median: f64,
    pub(super) rounds: Vec<f64>,
}

/// Beside whom, and how ours stands there.
#[derive(Debug, Deserialize)]
pub(super) struct Other {
    #[serde(flatten)]
    pub(super) one: One,
    pub(super) ratio: Ratio,
    /// What the ratio should be, in words.
    pub(super) bar: Option<String>,
    pub(super) met: Option<bool>,
}

/// Of ours to the other's, each round by itself.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Ratio {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) greatest: f64,
}

/// What a number says.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    Rate,
    Time,
    P50,
    P90,
    P99,
    P999,
    Max,
    Cpu,
    Memory,
    Recorded,
}

impl Comparison {
    /// Reads what was written there.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let read = serde_json::from_str(&text);
        read.with_context(|| format!("{} is no comparison of this version", path.display()))
    }

    /// Whether its rounds were short.
    pub(super) fn is_quick(&self) -> bool {
        self.slice_ms < FULL_SLICE_MS
    }

    /// What the one of that name read in that case.
    pub(super) fn one(&self, case: &str, measure: Measure, name: &str) -> Option<&One> {
        let rows = self.rows.iter();
        let ones = rows
            .filter(|row| row.case == case && row.measure == measure)
            .flat_map(|row| [Some(&row.ours), row.other.as_ref().map(|other| &other.one)]);
        ones.flatten().find(|one| one.name == name)
    }

    /// All that were compared, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = vec![OURS];
        for other in self.rows.iter().filter_map(|row| row.other.as_ref()) {
            if !names.contains(&&*other.one.name) {
                names.push(&other.one.name);
            }
        }
        names
    }
}

impl One {
    /// The least and the greatest of its rounds.
    pub(super) fn range(&self) -> (f64, f64) {
        let least = self.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let rounds = self.rounds.iter().copied();
        (least, rounds.fold(f64::NEG_INFINITY, f64::max))
    }
}

impl Measure {
    /// What the number is of.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Rate => "a second",
            Self::Time => "time",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "longest",
            Self::Cpu => "server's CPU",
            Self::Memory => "memory of one",
            Self::Recorded => "on record",
        }
    }

    /// Whether more of it is better.
    pub(super) fn more_is_better(self) -> bool {
        matches!(self, Self::Rate | Self::Recorded)
    }

    /// A number with its unit.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Rate => grouped(value),
            Self::Memory => format!("{:.2} KiB", value / 1024.0),
            Self::Recorded => format!("{value:.1} %"),
            _ => time(value),
        }
    }
}

/// A ratio with three digits that count.
pub(super) fn ratio(ratio: f64) -> String {
    match ratio {
        below if below <= 0.0 => format!("{below}"),
        below if below < 1.0 => {
            let zeros = -below.log10().ceil();
            format!("{below:.*}", 3 + zeros as usize)
        }
        below if below < 10.0 => format!("{below:.2}"),
        below if below < 100.0 => format!("{below:.1}"),
        _ => grouped(ratio),
    }
}

/// A whole number with a blank that does not break between each three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push('\u{a0}');
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

/// A comparison for tests: rates and times of ours beside two others.
#[cfg(test)]
pub(super) fn sample() -> Comparison {
    let row = |case: &str, measure: &str, ours: f64, name: &str, other: f64| {
        let ratio = ours / other;
        serde_json::json!({
            "case": case, "measure": measure, "shown": true,
            "ours": {"name": "ours", "median": ours, "rounds": [ours * 0.9, ours, ours * 1.1]},
            "other": {
                "name": name, "median": other, "rounds": [other, other, other],
                "ratio": {"median": ratio, "least": ratio * 0.9, "greatest": ratio * 1.1},
                "bar": "≥ 6", "met": ratio >= 6.0,
            },
        })
    };
    let rows = [
        row("sink/producers/1", "rate", 6e6, "atd-runtime 1.2.1", 5e5),
        row(
            "sink/producers/1",
            "p50",
            90.0,
            "atd-runtime 1.2.1",
            1_800.0,
        ),
        row("sink/producers/4", "rate", 5e6, "atd-runtime 1.2.1", 2e5),
        row("dispatch/any", "time", 400.0, "atd-runtime 1.2.1", 1_000.0),
        row("socket/connections/1", "rate", 1e5, "atd-server 1.1.0", 8e4),
        row("socket/connections/8", "rate", 3e5, "atd-server 1.1.0", 1e5),
        row("socket/connections/8", "rate", 3e5, "bare <echo>", 4e5),
    ];
    let comparison = serde_json::json!({
        "date": "2026-01-02T03:04:05.678901Z", "cores": 2, "kernel": "6.1",
        "rounds": 3, "slice_ms": 100, "rows": rows,
    });
    serde_json::from_value(comparison).expect("the sample is a comparison")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_case_measure_and_name() {
        let comparison = sample();
        let one = |name| comparison.one("socket/connections/8", Measure::Rate, name);
        assert_eq!(one(OURS).map(|one| one.median), Some(3e5));
        assert_eq!(one("bare <echo>").map(|one| one.median), Some(4e5));
        assert!(one("nobody").is_none());
        let names = [
            "ours",
            "atd-runtime 1.2.1",
            "atd-server 1.1.0",
            "bare <echo>",
        ];
        assert_eq!(comparison.names(), names);
    }

    #[test]
    fn numbers_have_the_unit_that_fits() {
        assert_eq!(Measure::Rate.show(1_234_567.0), "1\u{a0}234\u{a0}567");
        assert_eq!(Measure::Time.show(1_500.0), "1.50 µs");
        assert_eq!(Measure::Memory.show(2_048.0), "2.00 KiB");
        assert_eq!(Measure::Recorded.show(99.95), "100.0 %");
        let ratios = [0.000_012_34, 0.01234, 0.3333, 2.5, 61.27, 1234.0].map(ratio);
        assert_eq!(
            ratios,
            ["0.0000123", "0.0123", "0.333", "2.50", "61.3", "1\u{a0}234"]
        );
    }
}
