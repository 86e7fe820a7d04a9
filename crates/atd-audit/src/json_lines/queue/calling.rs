//! Waiting for an event of one's own to be settled.
//!
//! The writer thread calls two of those whose events are, and each of them two
//! others on its way out: to wake a thread takes long, and the disk would wait
//! for the writer thread to wake all of them. It calls who is left over when it
//! comes by again.

use std::{
    thread::{self, Thread},
    time::Duration,
};

use super::{Queue, state::State};
use crate::timestamp::monotonic;

/// How many each thread calls.
const EACH: usize = 2;

/// Who waits for an event of its own.
#[derive(Default)]
pub(super) struct Callers {
    /// The tickets of the events, and whose they are.
    waiting: Vec<(u64, Thread)>,
    /// Whose events are settled, and whom nobody has called yet.
    uncalled: Vec<Thread>,
}

impl Callers {
    /// Events up to this ticket are settled.
    pub(super) fn settled(&mut self, ticket: u64) {
        let settled = self
            .waiting
            .extract_if(.., |(awaited, _)| *awaited <= ticket);
        self.uncalled.extend(settled.map(|(_, thread)| thread));
    }

    /// Whom to call now: a few, who call the others.
    pub(super) fn next(&mut self) -> [Option<Thread>; EACH] {
        std::array::from_fn(|_| self.uncalled.pop())
    }

    /// Whom nobody has called.
    pub(super) fn rest(&mut self) -> Vec<Thread> {
        std::mem::take(&mut self.uncalled)
    }
}

impl Queue {
    /// Waits until the line with this ticket is settled, no longer than
    /// `at_most`.
    pub(in crate::json_lines) fn wait_for(&self, ticket: u64, at_most: Option<Duration>) {
        let is_pending = |state: &State| state.settled() < ticket && !state.gone;
        let until = at_most.and_then(|limit| monotonic().checked_add(limit));
        let mut state = self.lock();
        let waits = is_pending(&state);
        if waits {
            state.callers.waiting.push((ticket, thread::current()));
        }
        while is_pending(&state) {
            drop(state);
            let left = until.map(|until| until.saturating_duration_since(monotonic()));
            match left {
                None => thread::park(),
                Some(left) => thread::park_timeout(left),
            }
            state = self.lock();
            if left.is_some_and(|left| left.is_zero()) {
                state
                    .callers
                    .waiting
                    .retain(|(awaited, _)| *awaited != ticket);
                break;
            }
        }
        let called = state.callers.next();
        drop(state);
        if waits {
            // Somebody may have called this thread for something else, and it
            // looks for that when it parks the next time.
            thread::current().unpark();
        }
        called.iter().flatten().for_each(Thread::unpark);
    }
}
