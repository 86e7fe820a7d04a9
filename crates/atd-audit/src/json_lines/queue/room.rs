//! Waiting for room in a full queue.
//!
//! Who waits is called when there is room worth getting up for, so that the
//! writer thread, for which all of them wait, wakes them once for many events.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use super::{Queue, state::State};
use crate::timestamp::monotonic;

impl Queue {
    /// Waits for room while that is `worth_waiting` for, no longer than
    /// `at_most`.
    pub(super) fn wait_for_room(
        &self,
        at_most: Option<Duration>,
        worth_waiting: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let must_wait = |state: &State| worth_waiting(state) && !state.has_room(self.capacity);
        if !must_wait(&state) {
            return state;
        }
        let until = at_most.and_then(|limit| monotonic().checked_add(limit));
        state.waiting += 1;
        while must_wait(&state) {
            // What holds the places is to be written soon.
            if state.rouse() {
                self.work.notify_one();
            }
            let waited = match until.map(|until| until.saturating_duration_since(monotonic())) {
                None => self.room.wait(state),
                Some(Duration::ZERO) => break,
                Some(left) => match self.room.wait_timeout(state, left) {
                    Ok((state, _)) => Ok(state),
                    Err(poisoned) => Ok(poisoned.into_inner().0),
                },
            };
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state
    }

    /// Whether those who wait are to look for room, now that some was left.
    pub(super) fn is_worth_a_call(&self, state: &State) -> bool {
        if state.waiting == 0 {
            return false;
        }
        let free = self
            .capacity
            .saturating_sub(state.queued() + state.reserved);
        // By the time the writer thread is through with the rest, there should
        // be more.
        let is_much = free >= self.capacity.div_ceil(4);
        // If the writer thread has no more lines, nobody is called later.
        let has_no_more = state.queued() == state.lines.len();
        // Some wait only as long as writing works.
        state.failing_since.is_some() || is_much || (free > 0 && has_no_more)
    }
}
