//! How calls are spread over time.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How many calls there were in each stretch of time, for a time that is not
/// known in advance: the stretches, at first of a second, are made twice as
/// long whenever there would be too many of them.
#[derive(Debug, Clone)]
pub struct Timeline {
    limit: usize,
    /// A stretch is 2 to the power of this many seconds long.
    doublings: u32,
    /// By the number of the stretch, counted from the Unix epoch.
    counts: BTreeMap<i64, u64>,
}

impl Timeline {
    /// No call yet, and at most `limit` stretches, which is at least 2: what
    /// lies on both sides of the epoch cannot be put together.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(2),
            doublings: 0,
            counts: BTreeMap::new(),
        }
    }

    /// Counts a call.
    pub fn add(&mut self, at: SystemTime) {
        let second = match at.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                -seconds - i64::from(before.subsec_nanos() > 0)
            }
        };
        *self.counts.entry(second >> self.doublings).or_default() += 1;
        while self.span() > self.limit as u64 {
            self.doublings += 1;
            let mut counts = BTreeMap::new();
            for (stretch, count) in std::mem::take(&mut self.counts) {
                *counts.entry(stretch >> 1).or_default() += count;
            }
            self.counts = counts;
        }
    }

    /// When the first stretch begins; `None` if there was no call.
    #[must_use]
    pub fn start(&self) -> Option<SystemTime> {
        let (first, _) = self.counts.first_key_value()?;
        let seconds = Duration::from_secs(first.unsigned_abs() << self.doublings);
        match first.is_negative() {
            false => UNIX_EPOCH.checked_add(seconds),
            true => UNIX_EPOCH.checked_sub(seconds),
        }
    }

    /// How long a stretch is.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_secs(1 << self.doublings)
    }

    /// The calls of each stretch, from the first that has any to the last.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        let Some((first, _)) = self.counts.first_key_value() else {
            return Vec::new();
        };
        let mut counts = vec![0; self.span() as usize];
        for (stretch, count) in &self.counts {
            counts[stretch.abs_diff(*first) as usize] = *count;
        }
        counts
    }

    fn span(&self) -> u64 {
        let first = self.counts.first_key_value();
        let last = self.counts.last_key_value();
        first
            .zip(last)
            .map_or(0, |((first, _), (last, _))| last.abs_diff(*first) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> SystemTime {
        let seconds = Duration::from_secs(second.unsigned_abs());
        match second < 0 {
            true => UNIX_EPOCH - seconds,
            false => UNIX_EPOCH + seconds,
        }
    }

    #[test]
    fn stretches_grow_until_there_are_few_enough() {
        let mut line = Timeline::new(4);
        assert_eq!((line.start(), line.counts()), (None, vec![]));
        for second in [100, 101, 103] {
            line.add(at(second));
        }
        assert_eq!(line.counts(), [1, 1, 0, 1]);
        line.add(at(107));
        assert_eq!((line.start(), line.width().as_secs()), (Some(at(100)), 2));
        assert_eq!(line.counts(), [2, 1, 0, 1]);
        line.add(at(92));
        assert_eq!((line.start(), line.width().as_secs()), (Some(at(92)), 4));
        assert_eq!(line.counts(), [1, 0, 3, 1]);
    }

    #[test]
    fn any_times_come_into_the_limit_and_none_is_lost() {
        let mut line = Timeline::new(1);
        for second in [-62_167_219_200, -1, 0, 1, 253_402_300_799] {
            line.add(at(second));
        }
        let counts = line.counts();
        assert_eq!(counts.len(), 2);
        assert_eq!(counts.iter().sum::<u64>(), 5);
    }
}
