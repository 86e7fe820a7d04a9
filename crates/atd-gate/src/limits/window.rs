//! Calls of one tool in any 60 seconds.

use std::collections::VecDeque;
use std::time::Duration;

use super::LENGTH;

/// So many times are made room for at once, so that a tool within such a limit
/// allocates once.
const MADE_ROOM_FOR: u32 = 1_024;

/// The times of the calls let through in the last 60 seconds, oldest first.
///
/// Keeping each of them makes the limit exact: no 60 seconds, wherever they
/// begin, hold more calls than it says, and the wait is the time until the
/// oldest leaves. Smoothing limiters and fixed windows let up to twice as many
/// through. It costs 8 bytes for each call let through in the last minute.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<u64>);

/// Nanoseconds, for 584 years.
fn nanos(time: Duration) -> u64 {
    let seconds = time.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(time.subsec_nanos()))
}

impl Window {
    /// Whether there is a place for one call at `now`, or how long until there
    /// is one; `None` where there never will be.
    pub(super) fn room(&mut self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
        self.forget_before(nanos(now));
        let limit = limit as usize;
        if self.0.len() < limit {
            return Ok(());
        }
        // More than the limit are inside when it was lowered meanwhile.
        let leaves_first = self.0.len() - limit;
        let leaves = self.0.get(leaves_first).map(|oldest| {
            let since = nanos(now).saturating_sub(*oldest);
            LENGTH.saturating_sub(Duration::from_nanos(since))
        });
        Err(leaves)
    }

    /// Takes the place that there is room for.
    pub(super) fn take(&mut self, limit: u32, now: Duration) {
        if self.0.capacity() == 0 {
            self.0.reserve(limit.min(MADE_ROOM_FOR) as usize);
        }
        self.0.push_back(nanos(now));
    }

    pub(super) fn len(&mut self, now: Duration) -> usize {
        self.forget_before(nanos(now));
        self.0.len()
    }

    fn forget_before(&mut self, now: u64) {
        let length = nanos(LENGTH);
        while self
            .0
            .front()
            .is_some_and(|oldest| now.saturating_sub(*oldest) >= length)
        {
            self.0.pop_front();
        }
        // Steady traffic needs no spare room; a burst long past gives it back.
        let capacity = self.0.capacity();
        if capacity > 2 * MADE_ROOM_FOR as usize && self.0.len() < capacity / 4 {
            self.0.shrink_to(capacity / 2);
        }
    }
}
