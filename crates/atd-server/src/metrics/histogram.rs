//! How long calls took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::striped::Adding;

/// The upper bounds of the buckets but the last, which has none: 1 µs and each
/// time the double, up to 67 s, which is beyond the longest tier.
const BOUNDS: usize = 27;

/// Durations as they are counted.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS + 1],
    nanos: AtomicU64,
}

impl Histogram {
    pub(super) fn add(&self, adding: Adding, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket_of(nanos)) {
            adding.to(bucket, 1);
        }
        adding.to(&self.nanos, nanos);
    }
}

/// The bucket with the smallest bound that is not less.
const fn bucket_of(nanos: u64) -> usize {
    let micros = nanos.div_ceil(1_000);
    let at = (u64::BITS - micros.saturating_sub(1).leading_zeros()) as usize;
    if at < BOUNDS { at } else { BOUNDS }
}

/// How long calls took that reached their tool, from when they entered
/// dispatch, in buckets whose bounds double from 1 µs to 67 s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    counts: [u64; BOUNDS + 1],
    nanos: u64,
}

impl LatencyHistogram {
    /// Adds what was counted there.
    pub(super) fn add(&mut self, counted: &Histogram) {
        for (sum, bucket) in self.counts.iter_mut().zip(&counted.buckets) {
            *sum += bucket.load(Ordering::Acquire);
        }
        self.nanos = self
            .nanos
            .wrapping_add(counted.nanos.load(Ordering::Acquire));
    }

    /// How many calls there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// The buckets, the shortest first: the longest duration that each takes,
    /// which is `None` for the last, and how many calls it holds and the
    /// buckets before it do not.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bound = |at: usize| (at < BOUNDS).then(|| Duration::from_micros(1 << at));
        let counts = self.counts.iter().enumerate();
        counts.map(move |(at, count)| (bound(at), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_whose_bound_it_does_not_pass() {
        let bounds: Vec<_> = LatencyHistogram::default().buckets().collect();
        for nanos in [
            0,
            1,
            999,
            1_000,
            1_001,
            2_000,
            2_001,
            4_096_000,
            67_108_864_000,
            67_108_864_001,
            u64::MAX,
        ] {
            let took = Duration::from_nanos(nanos);
            let histogram = Histogram::default();
            histogram.add(Adding::Beside, took);
            let mut snapshot = LatencyHistogram::default();
            snapshot.add(&histogram);
            assert_eq!(snapshot.count(), 1);
            assert_eq!(snapshot.sum(), took);
            let holds = |(bound, _): &(Option<Duration>, u64)| bound.is_none_or(|it| took <= it);
            let expected = bounds.iter().position(holds);
            let found = snapshot.buckets().position(|(_, count)| count == 1);
            assert_eq!(found, expected, "{nanos} ns");
        }
    }
}
