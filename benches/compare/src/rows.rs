//! What comes out: ours beside one other, in one number of one case.

use serde::Serialize;

use crate::bars::bar;
use crate::measure::Measure;
use crate::rounds::Series;
use crate::statistics::{median, range};

/// One line of the table, and one object of the JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) measure: Measure,
    /// Whether a table should have it.
    pub(crate) shown: bool,
    pub(crate) ours: One,
    /// Nobody where ours was measured alone.
    pub(crate) other: Option<Other>,
}

/// Beside whom, and how ours stands there.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    #[serde(flatten)]
    pub(crate) one: One,
    /// Of ours to this one, each round by itself.
    pub(crate) ratio: Ratio,
    /// What the ratio should be, in words.
    pub(crate) bar: Option<String>,
    pub(crate) met: Option<bool>,
}

/// What one subject read.
#[derive(Debug, Serialize)]
pub(crate) struct One {
    pub(crate) name: &'static str,
    pub(crate) median: f64,
    rounds: Vec<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

/// The rows of one case: the first series beside each of the others.
pub(crate) fn rows(case: &str, shown: &[Measure], series: &[Series]) -> Vec<Row> {
    let Some((ours, others)) = series.split_first() else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for measure in ours.measures() {
        let row = |other| Row {
            case: case.to_owned(),
            measure,
            shown: shown.contains(&measure),
            ours: One::new(ours.name, ours.values(measure)),
            other,
        };
        let beside = others
            .iter()
            .map(|other| beside(case, measure, ours, other));
        rows.extend(beside.map(|other| row(Some(other))));
        if others.is_empty() {
            rows.push(row(None));
        }
    }
    rows
}

fn beside(case: &str, measure: Measure, ours: &Series, other: &Series) -> Other {
    let (mine, its) = (ours.values(measure), other.values(measure));
    let ratios: Vec<_> = mine
        .iter()
        .zip(&its)
        .map(|(mine, its)| mine / its)
        .collect();
    let (least, greatest) = range(&ratios);
    let ratio = Ratio {
        median: median(&ratios),
        least,
        greatest,
    };
    let bar = bar(case, measure, other.name);
    Other {
        one: One::new(other.name, its),
        met: bar.map(|bar| bar.is_met_by(ratio.median)),
        bar: bar.map(|bar| bar.to_string()),
        ratio,
    }
}

impl One {
    fn new(name: &'static str, rounds: Vec<f64>) -> Self {
        Self {
            name,
            median: median(&rounds),
            rounds,
        }
    }
}
