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
    /// Whether the table has it.
    #[serde(skip)]
    pub(crate) shown: bool,
    pub(crate) ours: One,
    pub(crate) other: One,
    /// Of ours to the other, each round by itself.
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
    let measures = ours.measures();
    measures
        .flat_map(|measure| {
            let shown = shown.contains(&measure);
            others
                .iter()
                .map(move |other| row(case, measure, shown, ours, other))
        })
        .collect()
}

fn row(case: &str, measure: Measure, shown: bool, ours: &Series, other: &Series) -> Row {
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
    Row {
        case: case.to_owned(),
        measure,
        shown,
        met: bar.map(|bar| bar.is_met_by(ratio.median)),
        bar: bar.map(|bar| bar.to_string()),
        ratio,
        ours: One::new(ours.name, mine),
        other: One::new(other.name, its),
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
