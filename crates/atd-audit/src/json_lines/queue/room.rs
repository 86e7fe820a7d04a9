//! Waiting for room in a full queue.
//!
//! Who waits is called when there is room worth getting up for, one at a time:
//! who got up calls the next. So the writer thread, for which all of them wait,
//! is not the one to wake them all, and it does so once for many events.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use super::{Queue, state::State};
use crate::timestamp::monotonic;

/// Which of those who wait for room are to look for it.
#[must_use]
#[derive(Clone, Copy)]
pub(super) enum Call {
    Nobody,
    One,
    All,
}

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
        // What holds the places is to be written soon.
        if state.rouse() {
            self.work.notify_one();
        }
        while must_wait(&state) {
            let waited = match until.map(|until| until.saturating_duration_since(monotonic())) {
                None => self.room.wait(state),
                Some(Duration::ZERO) => break,
                Some(left) => match self.room.wait_timeout(state, left) {
                    Ok((state, _)) => Ok(state),
                    Err(poisoned) => Ok(poisoned.into_inner().0),
                },
            };
            state = waited.unwrap_or_else(PoisonError::into_inner);
            // Whoever it was that was called: somebody is up.
            state.called = false;
        }
        state.waiting -= 1;
        state
    }

    /// Whom the writer thread calls when it has written some of its lines.
    pub(super) fn call_for_room(&self, state: &mut State) -> Call {
        // Some wait only as long as writing works.
        if state.waiting > 0 && state.failing_since.is_some() {
            return Call::All;
        }
        self.call_if_free(state, self.capacity.div_ceil(2))
    }

    /// Whom somebody calls who has found room, or left some.
    pub(super) fn call_next(&self, state: &mut State) -> Call {
        self.call_if_free(state, self.capacity.div_ceil(4))
    }

    fn call_if_free(&self, state: &mut State, enough: u64) -> Call {
        if state.waiting == 0 || state.called {
            return Call::Nobody;
        }
        let free = self
            .capacity
            .saturating_sub(state.queued() + state.reserved);
        // Nobody would be called later if the writer thread had no more lines.
        let is_worth_it = free >= enough || state.queued() == state.lines.len();
        if free == 0 || !is_worth_it {
            return Call::Nobody;
        }
        state.called = true;
        Call::One
    }

    /// Not to be done with the lock held, which who is called needs.
    pub(super) fn call(&self, whom: Call) {
        match whom {
            Call::Nobody => {}
            Call::One => self.room.notify_one(),
            Call::All => self.room.notify_all(),
        }
    }
}
