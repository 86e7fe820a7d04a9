//! How long single ones took, of many.

use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::clock;
use crate::measure::{Measure, Round};

/// Times up to ten seconds, with three digits.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, 10_000_000_000, 3)?))
    }

    /// One that began then has ended, without the time that asking takes.
    pub(crate) fn ended(&mut self, start: Instant) {
        let passed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0
            .saturating_record(passed.saturating_sub(clock::cost()));
    }

    pub(crate) fn add(&mut self, others: &Self) -> Result<()> {
        Ok(self.0.add(&others.0)?)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The round with what they show, if there are any.
    pub(crate) fn beside(&self, round: Round) -> Round {
        if self.0.is_empty() {
            return round;
        }
        let quantiles = [
            (Measure::P50, 0.5),
            (Measure::P90, 0.9),
            (Measure::P99, 0.99),
            (Measure::P999, 0.999),
            (Measure::Max, 1.0),
        ];
        quantiles.iter().fold(round, |round, (measure, quantile)| {
            round.with(*measure, self.0.value_at_quantile(*quantile) as f64)
        })
    }
}
