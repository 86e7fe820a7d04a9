//! The queue as the writer thread knows it.

use std::{
    io, mem,
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{super::lines::Lines, Queue, state::State};
#[cfg(feature = "chain")]
use crate::chain::Link;
use crate::timestamp::now;

/// Whether a write that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::json_lines) enum Retry {
    Yes,
    /// Yes, and the file is to be opened anew: what could not be written goes
    /// into the other one.
    AfterReopening,
    /// The queue was closed before.
    No,
}

/// What the writer thread is to do.
pub(in crate::json_lines) enum Work {
    Write(Batch),
    Reopen,
    /// Nothing came for as long as it was ready to wait.
    Nothing,
    End,
}

/// Lines for one write.
pub(in crate::json_lines) struct Batch {
    pub(in crate::json_lines) lines: Lines,
    /// How many events were lost that no line on record tells of.
    pub(in crate::json_lines) gap: u64,
    /// No line comes after these.
    pub(in crate::json_lines) is_last: bool,
}

/// What became of some lines of a batch.
#[derive(Default)]
pub(in crate::json_lines) struct Settled {
    /// How many are on record.
    pub(in crate::json_lines) written: u64,
    /// How many are lost.
    pub(in crate::json_lines) failed: u64,
    /// How many lost events those on record tell of.
    pub(in crate::json_lines) gap: u64,
    /// Why they are not all written.
    pub(in crate::json_lines) error: Option<io::Error>,
    /// Where the chain stands.
    #[cfg(feature = "chain")]
    pub(in crate::json_lines) head: Option<Link>,
}

impl Queue {
    /// Lets lines gather for no longer than `at_most`, unless there are `enough`,
    /// or somebody waits for what is there. Says whether one or the other is so.
    pub(in crate::json_lines) fn let_gather(&self, enough: u64, at_most: Duration) -> bool {
        let enough = enough.min(self.capacity);
        let is_too_early = |state: &mut State| {
            let is_too_early = !state.is_wanted(self.capacity) && state.queued() < enough;
            // Who roused this thread may have found room since.
            state.gathering = is_too_early.then_some(enough);
            is_too_early
        };
        let waited = self
            .work
            .wait_timeout_while(self.lock(), at_most, is_too_early);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        state.gathering = None;
        !waited.timed_out()
    }

    /// Half of what it holds.
    pub(in crate::json_lines) fn half(&self) -> u64 {
        self.capacity.div_ceil(2)
    }

    /// Waits for something to do, no longer than `at_most`. Lines are handed
    /// out all there are, and `spare` is left in their place.
    ///
    /// Every batch is settled before the next is taken.
    pub(in crate::json_lines) fn take(&self, spare: &mut Lines, at_most: Option<Duration>) -> Work {
        spare.clear();
        let mut state = self.lock();
        while state.lines.is_empty() && !state.is_to_reopen() {
            if state.closed {
                return Work::End;
            }
            self.tally.wake_the_late();
            state.idle = true;
            let timed_out;
            (state, timed_out) = match at_most {
                None => {
                    let state = self.work.wait(state);
                    (state.unwrap_or_else(PoisonError::into_inner), false)
                }
                Some(limit) => {
                    let waited = self.work.wait_timeout(state, limit);
                    let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                    (state, waited.timed_out())
                }
            };
            state.idle = false;
            if timed_out && state.lines.is_empty() && !state.closed {
                return Work::Nothing;
            }
        }
        if state.is_to_reopen() {
            return Work::Reopen;
        }
        state.batches += 1;
        Work::Write(Batch {
            lines: mem::replace(&mut state.lines, mem::take(spare)),
            gap: state.lost() - state.gap_on_record,
            is_last: state.closed,
        })
    }

    /// Enters what became of some lines of a batch into the account. Returns how
    /// many more are queued.
    pub(in crate::json_lines) fn settle(&self, settled: Settled) -> u64 {
        let mut state = self.lock();
        state.written += settled.written;
        state.failed += settled.failed;
        state.gap_on_record += settled.gap;
        #[cfg(feature = "chain")]
        {
            state.head = settled.head.or(state.head);
        }
        match &settled.error {
            Some(_) => state.failing_since = state.failing_since.or_else(|| Some(now())),
            None if settled.written > 0 && !state.sync_failed => state.failing_since = None,
            None => {}
        }
        let replaced = state.keep(settled.error);
        self.see_whether_behind(&state);
        // To wake nobody takes a system call too.
        let is_watched = state.watching > 0;
        let settled = state.settled();
        let batch = state.batches.saturating_sub(1);
        let must_call = self.is_worth_a_call(&state);
        let queued = state.queued();
        drop(state);
        self.tally.reach(settled, batch);
        if is_watched {
            self.progress.notify_all();
        }
        if must_call {
            self.room.notify_all();
        }
        drop(replaced);
        queued
    }

    /// So many events that were counted as written are lost after all.
    pub(in crate::json_lines) fn recount(&self, events: u64, error: io::Error) {
        let mut state = self.lock();
        state.written -= events;
        state.failed += events;
        state.failing_since = state.failing_since.or_else(|| Some(now()));
        state.sync_failed = true;
        let replaced = state.keep(Some(error));
        drop(state);
        self.room.notify_all();
        drop(replaced);
    }

    /// What was written is on disk.
    pub(in crate::json_lines) fn synced(&self) {
        let mut state = self.lock();
        if state.sync_failed {
            state.sync_failed = false;
            state.failing_since = None;
        }
    }

    /// Whether writing is possible, found out without an event to write.
    pub(in crate::json_lines) fn found(&self, probed: io::Result<()>) {
        let mut state = self.lock();
        state.sync_failed &= probed.is_err();
        state.failing_since = match probed {
            Ok(()) => None,
            Err(_) => state.failing_since.or_else(|| Some(now())),
        };
        let replaced = state.keep(probed.err());
        drop(state);
        self.room.notify_all();
        drop(replaced);
    }

    /// Something went wrong that keeps nothing from being written.
    pub(in crate::json_lines) fn note(&self, error: io::Error) {
        let replaced = self.lock().keep(Some(error));
        drop(replaced);
    }

    /// Since when nothing can be written.
    pub(in crate::json_lines) fn is_failing(&self) -> bool {
        self.lock().failing_since.is_some()
    }

    /// What became of all the wishes for a file opened anew so far.
    pub(in crate::json_lines) fn reopened(&self, result: io::Result<()>) {
        let mut state = self.lock();
        state.reopening.done = state.reopening.asked;
        state.reopening.failed = result.err().map(Arc::new);
        drop(state);
        self.progress.notify_all();
    }

    /// Waits before a failed write is tried again, for no longer than `pause`.
    pub(in crate::json_lines) fn pause_before_retry(&self, pause: Duration) -> Retry {
        let state = self.lock();
        if state.closed {
            return Retry::No;
        }
        let is_idle = |state: &mut State| !state.closed && !state.reopening.is_asked();
        let waited = self.work.wait_timeout_while(state, pause, is_idle);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.reopening.is_asked() {
            Retry::AfterReopening
        } else {
            Retry::Yes
        }
    }

    /// Closes the queue for good; what it still holds is lost, to `error`.
    pub(in crate::json_lines) fn writer_gone(&self, error: Option<io::Error>) {
        let mut state = self.lock();
        state.failed += state.queued();
        state.lines = Lines::default();
        state.closed = true;
        state.gone = true;
        let replaced = state.keep(error);
        drop(state);
        self.tally.end();
        self.progress.notify_all();
        self.room.notify_all();
        drop(replaced);
    }
}
