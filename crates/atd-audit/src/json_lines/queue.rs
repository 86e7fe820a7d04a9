//! What lies between the threads that report and the thread that writes.

use std::{
    io, mem,
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{AuditError, Health};

/// A buffer larger than this is let go when little of it was used.
const LARGE: usize = 1024 * 1024;

/// A bounded queue of lines, with the account of what became of each.
///
/// The lines lie end to end in one buffer, which the writer swaps for its own
/// empty one. The lock is held for no longer than it takes to copy a line or to
/// swap, and never during I/O.
pub(super) struct Queue {
    capacity: u64,
    state: Mutex<State>,
    /// The writer thread waits here for lines.
    work: Condvar,
    /// Whoever waits for the writer waits here.
    progress: Condvar,
    /// Who waits for room in a full queue waits here.
    room: Condvar,
}

/// What became of a line that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is in the queue.
    Taken,
    /// There is no room; nothing was done.
    Full,
    /// No more lines are taken; it counts as lost.
    Closed,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Events ever taken into `lines`.
    accepted: u64,
    /// Events never taken, because the queue was full or closed.
    refused: u64,
    /// Events that went elsewhere, because the queue was full.
    spilled: u64,
    /// Accepted events that are on record.
    written: u64,
    /// Accepted events that could not be written.
    failed: u64,
    /// How many of these a flush or a shutdown has told of.
    told: u64,
    last_error: Option<Arc<io::Error>>,
    /// No more events are taken.
    closed: bool,
    /// The writer thread sleeps and must be woken.
    idle: bool,
    /// The writer thread has ended, or never began.
    gone: bool,
}

/// Lines for one write.
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) events: u64,
}

impl Queue {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity: capacity.get() as u64,
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Takes one line if there is room for it.
    pub(super) fn offer(&self, line: &[u8]) -> Offer {
        let mut state = self.lock();
        if state.closed {
            state.refused += 1;
            return Offer::Closed;
        }
        if state.queued() >= self.capacity {
            return Offer::Full;
        }
        self.accept(state, line);
        Offer::Taken
    }

    /// Takes one line when there is room for it. One that finds none within
    /// `at_most`, or before the queue is closed, counts as lost.
    pub(super) fn offer_patiently(&self, line: &[u8], at_most: Option<Duration>) {
        let full = |state: &mut State| !state.closed && state.queued() >= self.capacity;
        let state = self.lock();
        let mut state = match at_most {
            None => self
                .room
                .wait_while(state, full)
                .unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                self.room
                    .wait_timeout_while(state, limit, full)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        if state.closed || state.queued() >= self.capacity {
            state.refused += 1;
        } else {
            self.accept(state, line);
        }
    }

    fn accept(&self, mut state: MutexGuard<'_, State>, line: &[u8]) {
        state.lines.extend_from_slice(line);
        state.accepted += 1;
        let wake = mem::take(&mut state.idle);
        drop(state);
        if wake {
            self.work.notify_one();
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

    /// Waits for lines and hands out all there are, leaving `spare` in their
    /// place; `None` when the queue is closed and empty.
    ///
    /// Every batch is settled before the next is taken.
    pub(super) fn take(&self, mut spare: Vec<u8>) -> Option<Batch> {
        if spare.capacity() > LARGE && spare.len() < spare.capacity() / 4 {
            spare = Vec::new();
        }
        spare.clear();
        let mut state = self.lock();
        while state.lines.is_empty() {
            if state.closed {
                return None;
            }
            state.idle = true;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        Some(Batch {
            lines: mem::replace(&mut state.lines, spare),
            events: state.queued(),
        })
    }

    /// Enters what became of some lines of a batch into the account: how many
    /// are on record, how many are lost, and why.
    pub(super) fn settle(&self, written: u64, failed: u64, error: Option<io::Error>) {
        let mut state = self.lock();
        state.written += written;
        state.failed += failed;
        let replaced = state.keep(error);
        drop(state);
        self.progress.notify_all();
        self.room.notify_all();
        drop(replaced);
    }

    /// Waits before a failed write is tried again, for no longer than `pause`;
    /// false when the queue was closed before, so that it should not be.
    pub(super) fn pause_before_retry(&self, pause: Duration) -> bool {
        let state = self.lock();
        if state.closed {
            return false;
        }
        drop(
            self.work
                .wait_timeout_while(state, pause, |state| !state.closed)
                .unwrap_or_else(PoisonError::into_inner),
        );
        true
    }

    /// Takes no more lines.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
        self.room.notify_all();
    }

    /// Closes the queue for good; what it still holds is lost, to `error`.
    pub(super) fn writer_gone(&self, error: Option<io::Error>) {
        let mut state = self.lock();
        state.failed += state.queued();
        state.lines = Vec::new();
        state.closed = true;
        state.gone = true;
        let replaced = state.keep(error);
        drop(state);
        self.progress.notify_all();
        self.room.notify_all();
        drop(replaced);
    }

    pub(super) fn wait_until_settled(&self, timeout: Duration) -> Result<(), AuditError> {
        let state = self.lock();
        let target = state.accepted;
        let mut state = self.wait_while(state, timeout, |state| state.settled() < target);
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
            lost: state.refused + state.failed,
            spilled: state.spilled,
            last_error: state.last_error.clone(),
        }
    }

    fn wait_while<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        timeout: Duration,
        mut condition: impl FnMut(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.progress
            .wait_timeout_while(state, timeout, |state| condition(state))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// A poisoned lock is taken all the same: no code that holds it leaves the
    /// state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settled(&self) -> u64 {
        self.written + self.failed
    }

    /// Events accepted and not settled, those that are being written included.
    fn queued(&self) -> u64 {
        self.accepted - self.settled()
    }

    /// Keeps `error`, if there is one, and returns the one before it. That is
    /// to be dropped without the lock: a writer's own error type may do
    /// anything when it is dropped.
    #[must_use]
    fn keep(&mut self, error: Option<io::Error>) -> Option<Arc<io::Error>> {
        self.last_error.replace(Arc::new(error?))
    }

    /// The failures that nobody was told of yet.
    fn tell_failures(&mut self) -> Result<(), AuditError> {
        let lost = self.failed - mem::replace(&mut self.told, self.failed);
        match &self.last_error {
            Some(source) if lost > 0 => Err(AuditError::WriteFailed {
                lost,
                source: Arc::clone(source),
            }),
            _ => Ok(()),
        }
    }
}
