//! How calls are spread over time.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long a stretch may be, in seconds; behind the last of them, twice as
/// long as before. Each is a whole number of those before it.
const WIDTHS: [u64; 13] = [
    1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 43_200, 86_400, 604_800,
];

/// How many calls there were in each stretch of time, for a time that is not
/// known in advance: the stretches, at first of a second, are made longer
/// whenever there would be too many of them.
#[derive(Debug, Clone)]
pub struct Timeline {
    limit: usize,
    width: u64,
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
            width: WIDTHS[0],
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
        let stretch = second.div_euclid(self.width.cast_signed());
        *self.counts.entry(stretch).or_default() += 1;
        while self.span() > self.limit as u64 {
            self.widen();
        }
    }

    fn widen(&mut self) {
        let longer = WIDTHS.into_iter().find(|width| *width > self.width);
        let longer = longer.unwrap_or(self.width * 2);
        let factor = (longer / self.width).cast_signed();
        let mut counts = BTreeMap::new();
        for (stretch, count) in std::mem::take(&mut self.counts) {
            *counts.entry(stretch.div_euclid(factor)).or_default() += count;
        }
        self.counts = counts;
        self.width = longer;
    }

    /// When the first stretch begins; `None` if there was no call.
    #[must_use]
    pub fn start(&self) -> Option<SystemTime> {
        let (first, _) = self.counts.first_key_value()?;
        let seconds = Duration::from_secs(first.unsigned_abs().saturating_mul(self.width));
        match first.is_negative() {
            false => UNIX_EPOCH.checked_add(seconds),
            true => UNIX_EPOCH.checked_sub(seconds),
        }
    }

    /// How long a stretch is.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_secs(self.width)
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
        assert_eq!((line.start(), line.width().as_secs()), (Some(at(100)), 5));
        assert_eq!(line.counts(), [3, 1]);
        line.add(at(90));
        assert_eq!((line.start(), line.width().as_secs()), (Some(at(90)), 5));
        line.add(at(84));
        assert_eq!((line.start(), line.width().as_secs()), (Some(at(80)), 10));
        assert_eq!(line.counts(), [1, 1, 4]);
    }

    #[test]
    fn a_longer_stretch_is_made_of_whole_shorter_ones() {
        assert!(WIDTHS.windows(2).all(|two| two[1] % two[0] == 0));
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
