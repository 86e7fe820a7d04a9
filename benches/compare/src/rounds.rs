//! The rounds of one case, interleaved.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::measure::{Measure, Named, Round};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How many rounds each subject has.
    pub(crate) rounds: usize,
    /// About how long each of them takes.
    pub(crate) slice: Duration,
}

/// What one subject showed in all its rounds.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    rounds: Vec<Round>,
}

impl Series {
    /// The measures that every round has.
    pub(crate) fn measures(&self) -> impl Iterator<Item = Measure> {
        let first = self.rounds.first();
        let readings = first.into_iter().flat_map(|round| &round.readings);
        readings.map(|reading| reading.measure)
    }

    /// What each round read, in their order; nothing where it was not measured.
    pub(crate) fn values(&self, measure: Measure) -> Vec<f64> {
        let readings = self.rounds.iter().flat_map(|round| &round.readings);
        let of_it = readings.filter(|reading| reading.measure == measure);
        of_it.map(|reading| reading.value).collect()
    }
}

/// Measures each subject once a round. The order is another each round, so
/// that nobody always comes after the same neighbour, and whatever else the
/// machine does meets all of them.
pub(crate) fn run(mut subjects: Vec<Named>, most: u64, effort: Effort) -> Result<Vec<Series>> {
    let mut work = Vec::new();
    for subject in &mut subjects {
        let enough = enough(subject, most, effort.slice);
        work.push(enough.with_context(|| subject.name)?);
    }
    let mut series: Vec<_> = subjects
        .iter()
        .map(|subject| Series {
            name: subject.name,
            rounds: Vec::new(),
        })
        .collect();
    let count = subjects.len();
    for round in 0..effort.rounds {
        for place in 0..count {
            let turn = (round + place) % count;
            let subject = &mut subjects[turn];
            let measured = subject.subject.measure(work[turn]);
            let measured = measured.with_context(|| subject.name)?;
            series[turn].rounds.push(measured);
        }
    }
    Ok(series)
}

/// How much work takes about that long; finding out warms the subject up.
fn enough(subject: &mut Named, most: u64, slice: Duration) -> Result<u64> {
    let mut work = most.min(64);
    loop {
        let took = subject.subject.measure(work)?.elapsed;
        if took.is_zero() {
            bail!("work that takes no time cannot be measured");
        }
        let fits = work as f64 * slice.as_secs_f64() / took.as_secs_f64();
        if work == most || took >= slice / 8 {
            return Ok((fits as u64).clamp(1, most));
        }
        work = work.saturating_mul(8).min(most);
    }
}
