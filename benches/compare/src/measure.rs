//! What is measured, and of whom.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::place::Place;

/// What a number says. Each has one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// Calls, events or connections a second.
    Rate,
    /// Nanoseconds from the first to the last, over their number.
    Time,
    /// Nanoseconds that half of the sampled ones took at most.
    P50,
    /// Nanoseconds that 9 of 10 sampled ones took at most.
    P90,
    /// Nanoseconds that 99 of 100 sampled ones took at most.
    P99,
    /// Nanoseconds that 999 of 1,000 sampled ones took at most.
    P999,
    /// Nanoseconds that the slowest sampled one took.
    Max,
    /// Nanoseconds of processor time that the server's process took for each.
    Cpu,
    /// Bytes of resident memory for each.
    Memory,
    /// Of a hundred events, those that are on record at the end.
    Recorded,
}

/// One number of one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) measure: Measure,
    pub(crate) value: f64,
}

/// What one subject showed in one round.
#[derive(Debug)]
pub(crate) struct Round {
    /// How long the work took, for the next round to have as much as fits.
    pub(crate) elapsed: Duration,
    pub(crate) readings: Vec<Reading>,
}

impl Round {
    /// A round of which so far only this is known.
    pub(crate) fn of(work: u64, elapsed: Duration) -> Self {
        let round = Self {
            elapsed,
            readings: Vec::new(),
        };
        let (work, seconds) = (work as f64, elapsed.as_secs_f64());
        round
            .with(Measure::Rate, work / seconds)
            .with(Measure::Time, seconds * 1e9 / work)
    }

    /// A round that took this long and has no rate of its own.
    pub(crate) fn bare(elapsed: Duration) -> Self {
        Self {
            elapsed,
            readings: Vec::new(),
        }
    }

    /// One more number.
    pub(crate) fn with(mut self, measure: Measure, value: f64) -> Self {
        self.readings.push(Reading { measure, value });
        self
    }
}

/// One of those that are compared, made ready for one case.
pub(crate) trait Subject {
    /// Does so much work, looks at what came out, and says what it took.
    fn measure(&mut self, work: u64) -> Result<Round>;
}

/// A subject under the name that the table has for it.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) subject: Box<dyn Subject>,
}

impl Named {
    pub(crate) fn new(name: &'static str, subject: impl Subject + 'static) -> Self {
        Self {
            name,
            subject: Box::new(subject),
        }
    }
}

/// How subjects of a case are made, each in its turn.
type Make = Box<dyn FnOnce(&Place) -> Result<Vec<Named>>>;

/// One case: the same work for each of several.
pub(crate) struct Case {
    /// What the table calls it; `--filter` looks at it.
    pub(crate) name: String,
    /// Which numbers go into the table; all go into the JSON.
    pub(crate) shown: Vec<Measure>,
    /// The most work of one round.
    pub(crate) most: u64,
    /// Whether a quick run has it too.
    pub(crate) quick: bool,
    /// Makes the subjects. The first is compared with each of the others.
    pub(crate) make: Make,
}

impl Case {
    /// A case of which these numbers are shown.
    pub(crate) fn new(
        name: impl Into<String>,
        shown: impl Into<Vec<Measure>>,
        make: impl FnOnce(&Place) -> Result<Vec<Named>> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            shown: shown.into(),
            most: u64::MAX,
            quick: true,
            make: Box::new(make),
        }
    }

    /// A round has at most so much work.
    pub(crate) fn at_most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// A quick run leaves it out.
    pub(crate) fn only_in_full(mut self) -> Self {
        self.quick = false;
        self
    }
}
