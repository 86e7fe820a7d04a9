//! Calls of one tool in any 60 seconds.

use std::collections::VecDeque;
use std::time::Duration;

const LENGTH: Duration = Duration::from_secs(60);

/// The times of the calls let through in the last 60 seconds, oldest first.
///
/// Keeping each of them makes the limit exact: no 60 seconds, wherever they
/// begin, hold more calls than it says, and the wait is the time until the
/// oldest leaves. Smoothing limiters and fixed windows let up to twice as many
/// through. It costs 16 bytes for each call let through in the last minute.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Duration>);

impl Window {
    /// Takes a place for one call at `now`, or says how long until there is
    /// one; `None` where there never will be.
    pub(super) fn take(&mut self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
        self.forget_before(now);
        let limit = limit as usize;
        if self.0.len() < limit {
            self.0.push_back(now);
            return Ok(());
        }
        // More than the limit are inside when it was lowered meanwhile.
        let leaves_first = self.0.len() - limit;
        Err(self
            .0
            .get(leaves_first)
            .map(|oldest| (*oldest + LENGTH).saturating_sub(now)))
    }

    pub(super) fn is_empty(&mut self, now: Duration) -> bool {
        self.forget_before(now);
        self.0.is_empty()
    }

    fn forget_before(&mut self, now: Duration) {
        while self
            .0
            .front()
            .is_some_and(|oldest| now.saturating_sub(*oldest) >= LENGTH)
        {
            self.0.pop_front();
        }
        // Steady traffic needs no spare room; a burst long past gives it back.
        if self.0.capacity() > 64 && self.0.len() < self.0.capacity() / 4 {
            self.0.shrink_to(self.0.capacity() / 2);
        }
    }
}
