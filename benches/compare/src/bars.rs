//! What ours is to reach beside the others.

use crate::measure::Measure::{self, P50, P99, Rate, Time};
use crate::names::{FLOOR, LIMITERS, ONE_THREAD, THEIR_RUNTIME, THEIR_SERVER};
use Bar::{AtLeast, AtMost};

/// A ratio of ours to another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    /// Whether this ratio reaches it.
    pub(crate) fn is_met_by(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bar) => ratio >= bar,
            Self::AtMost(bar) => ratio <= bar,
        }
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bar) => write!(f, "≥ {bar}"),
            Self::AtMost(bar) => write!(f, "≤ {bar:.3}"),
        }
    }
}

/// Of which case, which number, beside whom: the bar.
type Row = (&'static str, Measure, &'static str, Bar);

const THIRD: Bar = AtMost(1.0 / 3.0);

const BARS: &[Row] = &[
    ("sink/producers/1", Rate, THEIR_RUNTIME, AtLeast(6.0)),
    ("sink/producers/4", Rate, THEIR_RUNTIME, AtLeast(12.0)),
    ("sink/producers/1", P50, THEIR_RUNTIME, THIRD),
    ("sink/producers/1", P99, THEIR_RUNTIME, THIRD),
    ("sink/producers/4", P50, THEIR_RUNTIME, THIRD),
    ("sink/producers/4", P99, THEIR_RUNTIME, THIRD),
    ("sink/chained/1", Rate, THEIR_RUNTIME, AtLeast(4.0)),
    ("sink/chained/4", Rate, THEIR_RUNTIME, AtLeast(8.0)),
    ("sink/sync", Rate, ONE_THREAD, AtLeast(20.0)),
    ("sink/paced", P50, THEIR_RUNTIME, THIRD),
    ("sink/paced", P99, THEIR_RUNTIME, THIRD),
    ("gate/admit", Time, LIMITERS, AtMost(2.5)),
    ("gate/two_tools", Rate, ONE_THREAD, AtLeast(1.7)),
    ("gate/one_tool", Rate, ONE_THREAD, AtLeast(0.8)),
    ("dispatch/any", Time, THEIR_RUNTIME, AtMost(0.45)),
    ("dispatch/checked", Time, THEIR_RUNTIME, AtMost(0.45)),
    ("dispatch/lossless", Time, THEIR_RUNTIME, AtMost(0.2)),
    ("socket/one", Rate, THEIR_SERVER, AtLeast(1.0)),
    ("socket/pipelined", Rate, THEIR_SERVER, AtLeast(8.0)),
    ("socket/connections/8", Rate, THEIR_SERVER, AtLeast(2.5)),
    ("socket/connections/8", Rate, FLOOR, AtLeast(0.7)),
    ("socket/connect", Rate, THEIR_SERVER, AtLeast(1.3)),
    ("socket/tool_list/1000", Time, THEIR_SERVER, AtMost(0.02)),
];

/// What ours is to reach there, if anything.
pub(crate) fn bar(case: &str, measure: Measure, beside: &str) -> Option<Bar> {
    let row = |row: &&Row| row.0 == case && row.1 == measure && row.2 == beside;
    BARS.iter().find(row).map(|row| row.3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn each_bar_is_of_a_number_that_a_case_shows() {
        let cases = cases();
        for (name, measure, ..) in BARS {
            let case = cases.iter().find(|case| case.name == *name);
            let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
            assert!(case.shown.contains(measure), "{name} shows no {measure:?}");
        }
    }

    #[test]
    fn a_bar_is_met_by_what_reaches_it() {
        assert!(Bar::AtLeast(6.0).is_met_by(6.0) && !Bar::AtLeast(6.0).is_met_by(5.9));
        assert!(Bar::AtMost(0.2).is_met_by(0.2) && !Bar::AtMost(0.2).is_met_by(0.21));
    }
}
