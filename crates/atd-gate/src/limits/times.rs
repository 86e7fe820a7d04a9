//! When calls were let through.

use std::collections::VecDeque;
use std::time::Duration;

use super::LENGTH;

/// So many times are made room for at once, so that a tool within such a limit
/// allocates once.
const MADE_ROOM_FOR: usize = 1_024;

/// The times of calls let through in the last 60 seconds in nanoseconds, oldest
/// first: 8 bytes each.
#[derive(Debug, Default)]
pub(super) struct Times {
    times: VecDeque<u64>,
    /// Places of calls that have left and that nobody has taken since.
    free: usize,
    /// When the last of them was free at the latest.
    freed_at: u64,
    /// How many were ever added.
    added: usize,
}

/// Nanoseconds, for 584 years.
pub(super) fn nanos(time: Duration) -> u64 {
    let seconds = time.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(time.subsec_nanos()))
}

impl Times {
    /// Forgets those that `now` is a minute after; their places are free.
    pub(super) fn forget_before(&mut self, now: u64) {
        let length = nanos(LENGTH);
        let before = self.times.len();
        while self
            .times
            .front()
            .is_some_and(|oldest| now.saturating_sub(*oldest) >= length)
        {
            self.times.pop_front();
        }
        let left = before - self.times.len();
        if left > 0 {
            self.free += left;
            self.freed_at = self.freed_at.max(now);
        }
        // Steady traffic needs no spare room; a burst long past gives it back.
        let capacity = self.times.capacity();
        if capacity > 2 * MADE_ROOM_FOR && self.times.len() < capacity / 4 {
            self.times
                .shrink_to(MADE_ROOM_FOR.max(2 * self.times.len()));
        }
    }

    /// Whether there is a free place for another call.
    pub(super) fn has_place(&self) -> bool {
        self.free > 0
    }

    /// There is one more free place.
    pub(super) fn gain(&mut self) {
        self.free += 1;
    }

    /// Gives up all free places but so many, and says how many these are.
    pub(super) fn give_up(&mut self, but: usize) -> usize {
        let given_up = self.free.saturating_sub(but);
        self.free -= given_up;
        given_up
    }

    /// Adds a call to the free place that there is; the first one makes room for
    /// so many.
    pub(super) fn add(&mut self, room: usize, now: u64) {
        self.free -= 1;
        if self.times.capacity() == 0 {
            self.times.reserve(room.min(MADE_ROOM_FOR));
        }
        // Who comes late with a time that was read before comes no earlier than
        // those before it, nor than its place was free.
        let latest = self.times.back().copied().unwrap_or_default();
        self.times.push_back(now.max(latest).max(self.freed_at));
        self.added = self.added.wrapping_add(1);
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// When the places that were given up were free at the latest.
    pub(super) fn freed_at(&self) -> u64 {
        self.freed_at
    }

    pub(super) fn added(&self) -> usize {
        self.added
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.times.capacity()
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.times.front().copied()
    }

    pub(super) fn latest(&self) -> Option<u64> {
        self.times.back().copied()
    }

    /// How many there are up to this time.
    pub(super) fn up_to(&self, time: u64) -> usize {
        self.times.partition_point(|it| *it <= time)
    }
}
