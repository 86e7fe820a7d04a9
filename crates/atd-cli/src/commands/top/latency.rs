//! Latencies out of a histogram's buckets.

/// How many calls took at most so many seconds: what a histogram's samples
/// say, each bucket holding those before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Latencies(pub(super) Vec<(f64, f64)>);

impl Latencies {
    pub(super) fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// What came since an earlier look; all of it where that counted more, as
    /// after a restart, or other buckets.
    pub(super) fn since(&self, before: &Self) -> Self {
        let bounds = |all: &Self| all.0.iter().map(|(bound, _)| *bound).collect::<Vec<_>>();
        if before.count() > self.count() || bounds(before) != bounds(self) {
            return self.clone();
        }
        let pairs = self.0.iter().zip(&before.0);
        let rest = pairs.map(|((bound, now), (_, then))| (*bound, (now - then).max(0.0)));
        Self(rest.collect())
    }

    /// So many seconds that the given share of the calls took no longer,
    /// taking those of a bucket to be spread evenly over it, as Prometheus'
    /// `histogram_quantile` does; the highest bound for what passes it.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let rank = self.count() * share;
        if rank <= 0.0 {
            return None;
        }
        let at = self.0.iter().position(|(_, count)| *count >= rank)?;
        let (low, below) = match at.checked_sub(1) {
            Some(previous) => self.0[previous],
            None => (0.0, 0.0),
        };
        let (high, count) = self.0[at];
        if high.is_infinite() {
            return Some(low);
        }
        Some(low + (high - low) * (rank - below) / (count - below))
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;

    fn of(counts: [f64; 3]) -> Latencies {
        let bounds = [0.001, 0.002, f64::INFINITY];
        Latencies(bounds.into_iter().zip(counts).collect())
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_that_reaches_it() {
        for (counts, share, expected) in [
            ([0.0, 0.0, 0.0], 0.5, None),
            ([4.0, 4.0, 4.0], 0.5, Some(0.0005)),
            ([4.0, 4.0, 4.0], 1.0, Some(0.001)),
            ([2.0, 4.0, 4.0], 0.75, Some(0.0015)),
            ([0.0, 4.0, 4.0], 0.5, Some(0.0015)),
            ([0.0, 0.0, 4.0], 0.5, Some(0.002)),
        ] {
            let found = of(counts).quantile(share);
            let same = match (found, expected) {
                (Some(found), Some(expected)) => f64::abs(found - expected) < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(same, "{counts:?} at {share}: {found:?}");
        }
    }

    #[test]
    fn what_is_new_is_the_difference_and_all_of_it_after_a_restart() {
        let (before, now) = (of([1.0, 2.0, 2.0]), of([1.0, 5.0, 6.0]));
        assert_eq!(now.since(&before), of([0.0, 3.0, 4.0]));
        assert_eq!(before.since(&now), before);
        assert_eq!(now.since(&Latencies::default()), now);
    }
}
