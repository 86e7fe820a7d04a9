//! What lies between the threads that report and the thread that writes.

mod room;
mod state;
mod tally;
mod writing;

use std::{
    num::NonZeroUsize,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub(super) use self::writing::{Batch, Retry, Settled, Work};
use self::{
    state::State,
    tally::{Tally, Ticket},
};
use super::lines::Line;
#[cfg(feature = "chain")]
use crate::chain::Link;
use crate::{AuditError, Health};

/// A bounded queue of lines, with the account of what became of each.
///
/// The writer swaps all lines for room that is free. The lock is held for no
/// longer than it takes to copy a line, or to double their room, and never
/// during I/O.
#[repr(C, align(128))]
pub(super) struct Queue {
    state: Mutex<State>,
    capacity: u64,
    /// The writer thread has more to do than it should.
    is_behind: AtomicBool,
    /// The writer thread waits here for lines.
    work: Condvar,
    /// Whoever waits for the writer waits here.
    progress: Condvar,
    /// Who waits for an event to be settled waits here.
    tally: Tally,
    /// Who waits for room in a full queue waits here.
    room: Condvar,
}

/// What became of a line that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is in the queue.
    Taken(Ticket),
    /// There is no room; nothing was done.
    Full,
    /// No more lines are taken; it counts as lost.
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            state: Mutex::default(),
            capacity: capacity.get() as u64,
            is_behind: AtomicBool::new(false),
            work: Condvar::new(),
            progress: Condvar::new(),
            tally: Tally::default(),
            room: Condvar::new(),
        }
    }

    /// Takes one line if there is room for it.
    pub(super) fn offer(&self, line: &Line) -> Offer {
        let mut state = self.lock();
        if state.closed {
            state.refused += 1;
            return Offer::Closed;
        }
        if !state.has_room(self.capacity) {
            return Offer::Full;
        }
        Offer::Taken(self.accept(state, line))
    }

    /// Takes one line when there is room for it. One that finds none within
    /// `at_most`, or before the queue is closed, counts as lost.
    pub(super) fn offer_patiently(&self, line: &Line, at_most: Option<Duration>) -> Offer {
        let mut state = self.wait_for_room(at_most, |state| !state.closed);
        if state.closed || !state.has_room(self.capacity) {
            state.refused += 1;
            return Offer::Closed;
        }
        Offer::Taken(self.accept(state, line))
    }

    /// Keeps a place for one line, which [`offer_reserved`](Self::offer_reserved)
    /// takes or [`release`](Self::release) gives back.
    ///
    /// None is kept while nothing can be written, nor beyond what the queue
    /// holds within `at_most`.
    pub(super) fn reserve(&self, at_most: Duration) -> Result<(), AuditError> {
        let is_sound = |state: &State| !state.closed && state.failing_since.is_none();
        let mut state = self.wait_for_room(Some(at_most), is_sound);
        if state.closed {
            return Err(AuditError::Ended);
        }
        if state.failing_since.is_some() {
            let source = state.last_error.clone();
            return Err(AuditError::Failing { source });
        }
        if !state.has_room(self.capacity) {
            return Err(AuditError::NoRoom);
        }
        state.reserved += 1;
        Ok(())
    }

    /// Takes the line that a place was kept for.
    pub(super) fn offer_reserved(&self, line: &Line) -> Offer {
        let mut state = self.lock();
        state.reserved -= 1;
        if state.closed {
            state.refused += 1;
            return Offer::Closed;
        }
        Offer::Taken(self.accept(state, line))
    }

    /// Gives back a place that was kept.
    pub(super) fn release(&self) {
        let mut state = self.lock();
        state.reserved -= 1;
        let must_call = self.is_worth_a_call(&state);
        drop(state);
        if must_call {
            self.room.notify_all();
        }
    }

    /// Takes a line that was on its way when an earlier process ended, whatever
    /// the capacity.
    pub(super) fn take_over(&self, line: &Line) {
        let mut state = self.lock();
        state.lines.push(line);
        state.accepted += 1;
    }

    /// The chain of the log stands at `last` already.
    #[cfg(feature = "chain")]
    pub(super) fn begin_at(&self, last: Option<Link>) {
        self.lock().head = last;
    }

    fn accept(&self, mut state: MutexGuard<'_, State>, line: &Line) -> Ticket {
        state.lines.push(line);
        state.accepted += 1;
        let ticket = Ticket {
            number: state.accepted,
            batch: state.batches,
        };
        self.see_whether_behind(&state);
        let wake = (state.idle || state.has_gathered()) && state.rouse();
        drop(state);
        if wake {
            self.work.notify_one();
        }
        ticket
    }

    /// Whether the writer thread has so much to do that those who report should
    /// do what they can of it. It may have changed meanwhile.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    fn see_whether_behind(&self, state: &State) {
        let is_behind = 4 * state.queued() >= self.capacity;
        if is_behind != self.is_behind() {
            self.is_behind.store(is_behind, Ordering::Relaxed);
        }
    }

    /// Counts an event that found no room as lost.
    pub(super) fn refuse(&self) {
        self.lock().refused += 1;
    }

    /// Counts an event that found no room as gone elsewhere.
    pub(super) fn spill(&self) {
        self.lock().spilled += 1;
    }

    /// Where the chain of what is on record stands.
    #[cfg(feature = "chain")]
    pub(super) fn head(&self) -> Option<Link> {
        self.lock().head
    }

    /// Has the writer thread open its file anew, and waits for that.
    pub(super) fn reopen(&self, timeout: Duration) -> Result<(), AuditError> {
        let mut state = self.lock();
        if state.gone {
            return Err(AuditError::Ended);
        }
        state.reopening.asked += 1;
        let mine = state.reopening.asked;
        state.reopening.behind = state.accepted;
        state.rouse();
        self.work.notify_one();
        let state = self.wait_while(state, timeout, |state| {
            !state.gone && state.reopening.done < mine
        });
        match &state.reopening.failed {
            _ if state.reopening.done < mine => {
                let queued = state.queued();
                Err(AuditError::TimedOut { queued })
            }
            Some(source) => Err(AuditError::NotReopened {
                source: source.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Takes no more lines.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
        self.room.notify_all();
    }

    pub(super) fn wait_until_settled(&self, timeout: Duration) -> Result<(), AuditError> {
        let mut state = self.lock();
        let target = state.accepted;
        state.hurried += 1;
        self.work.notify_one();
        let mut state = self.wait_while(state, timeout, |state| state.settled() < target);
        state.hurried -= 1;
        match target.saturating_sub(state.settled()) {
            0 => state.tell_failures(),
            queued => Err(AuditError::TimedOut { queued }),
        }
    }

    pub(super) fn wait_until_gone(&self, timeout: Duration) -> Result<(), AuditError> {
        let state = self.lock();
        let mut state = self.wait_while(state, timeout, |state| !state.gone);
        if state.gone {
            state.tell_failures()
        } else {
            let queued = state.queued();
            Err(AuditError::TimedOut { queued })
        }
    }

    pub(super) fn health(&self) -> Health {
        let state = self.lock();
        Health {
            queued: state.queued(),
            written: state.written,
            lost: state.lost(),
            spilled: state.spilled,
            last_error: state.last_error.clone(),
            failing_since: state.failing_since,
        }
    }

    fn wait_while<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        timeout: Duration,
        mut condition: impl FnMut(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        state.watching += 1;
        let (mut state, _) = self
            .progress
            .wait_timeout_while(state, timeout, |state| condition(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.watching -= 1;
        state
    }

    /// A poisoned lock is taken all the same: no code that holds it leaves the
    /// state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
