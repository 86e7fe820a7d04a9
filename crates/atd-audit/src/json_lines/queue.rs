//! What lies between the threads that report and the thread that writes.

use std::{
    io, mem,
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

#[cfg(feature = "chain")]
use crate::chain::Link;
use crate::{AuditError, Health, timestamp::now};

/// How long the writer lets lines gather after it has written some. To wake a
/// thread costs whoever reports an event many times what it costs to leave a
/// line: at a steady pace nobody has to.
const NAP: Duration = Duration::from_micros(500);

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
    /// It is in the queue; it is settled when so many are.
    Taken(u64),
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
    /// How many events a line on record says are missing.
    gap_on_record: u64,
    /// Places kept for the events of calls that were started.
    reserved: u64,
    last_error: Option<Arc<io::Error>>,
    /// Since when nothing could be written.
    failing_since: Option<SystemTime>,
    #[cfg(feature = "chain")]
    head: Option<Link>,
    reopening: Reopening,
    /// No more events are taken.
    closed: bool,
    /// The writer thread sleeps and must be woken.
    idle: bool,
    /// The writer thread lets lines gather, and is woken if much has.
    napping: bool,
    /// How many wait for what is queued to be written.
    hurried: u64,
    /// The writer thread has ended, or never began.
    gone: bool,
}

/// How often the file was to be opened anew, and was.
#[derive(Default)]
struct Reopening {
    asked: u64,
    done: u64,
    /// How many events were accepted when it was last asked for: they go into
    /// the file that is open.
    behind: u64,
    failed: Option<Arc<io::Error>>,
}

/// Whether a write that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Yes,
    /// Yes, and the file is to be opened anew: what could not be written goes
    /// into the other one.
    AfterReopening,
    /// The queue was closed before.
    No,
}

/// What the writer thread is to do.
pub(super) enum Work {
    Write(Batch),
    Reopen,
    /// Nothing came for as long as it was ready to wait.
    Nothing,
    End,
}

/// Lines for one write.
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) events: u64,
    /// How many events were lost that no line on record tells of.
    pub(super) gap: u64,
    /// No line comes after these.
    pub(super) is_last: bool,
}

/// What became of some lines of a batch.
#[derive(Default)]
pub(super) struct Settled {
    /// How many are on record.
    pub(super) written: u64,
    /// How many are lost.
    pub(super) failed: u64,
    /// How many lost events those on record tell of.
    pub(super) gap: u64,
    /// Why they are not all written.
    pub(super) error: Option<io::Error>,
    /// Where the chain stands.
    #[cfg(feature = "chain")]
    pub(super) head: Option<Link>,
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
        if !state.has_room(self.capacity) {
            return Offer::Full;
        }
        Offer::Taken(self.accept(state, line))
    }

    /// Takes one line when there is room for it. One that finds none within
    /// `at_most`, or before the queue is closed, counts as lost.
    pub(super) fn offer_patiently(&self, line: &[u8], at_most: Option<Duration>) -> Offer {
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
    pub(super) fn offer_reserved(&self, line: &[u8]) -> Offer {
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
        self.lock().reserved -= 1;
        self.room.notify_one();
    }

    fn wait_for_room(
        &self,
        at_most: Option<Duration>,
        worth_waiting: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let state = self.lock();
        let full = |state: &mut State| worth_waiting(state) && !state.has_room(self.capacity);
        match at_most {
            None => self.room.wait_while(state, full),
            Some(limit) => Ok(self
                .room
                .wait_timeout_while(state, limit, full)
                .unwrap_or_else(PoisonError::into_inner)
                .0),
        }
        .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was on its way when an earlier process ended, before any
    /// other line and whatever the capacity.
    pub(super) fn take_over(&self, lines: &[Vec<u8>]) {
        let mut state = self.lock();
        for line in lines {
            state.lines.extend_from_slice(line);
        }
        state.accepted += lines.len() as u64;
    }

    /// The chain of the log stands at `last` already.
    #[cfg(feature = "chain")]
    pub(super) fn begin_at(&self, last: Option<Link>) {
        self.lock().head = last;
    }

    fn accept(&self, mut state: MutexGuard<'_, State>, line: &[u8]) -> u64 {
        state.lines.extend_from_slice(line);
        state.accepted += 1;
        let ticket = state.accepted;
        // Once is enough, however long it takes to get up.
        let wake = mem::take(&mut state.idle)
            || (state.is_half(self.capacity) && mem::take(&mut state.napping));
        drop(state);
        if wake {
            self.work.notify_one();
        }
        ticket
    }

    /// Counts an event that found no room as lost.
    pub(super) fn refuse(&self) {
        self.lock().refused += 1;
    }

    /// Counts an event that found no room as gone elsewhere.
    pub(super) fn spill(&self) {
        self.lock().spilled += 1;
    }

    /// Lets lines gather for a moment, unless they have, or somebody waits for
    /// what is there.
    pub(super) fn nap(&self) {
        let mut state = self.lock();
        state.napping = true;
        let may_nap = |state: &mut State| {
            let is_wanted = state.closed || state.hurried > 0 || state.reopening.is_asked();
            !is_wanted && !state.is_half(self.capacity)
        };
        let (mut state, _) = self
            .work
            .wait_timeout_while(state, NAP, may_nap)
            .unwrap_or_else(PoisonError::into_inner);
        state.napping = false;
    }

    /// Waits for something to do, no longer than `at_most`. Lines are handed
    /// out all there are, and `spare` is left in their place.
    ///
    /// Every batch is settled before the next is taken.
    pub(super) fn take(&self, spare: &mut Vec<u8>, at_most: Option<Duration>) -> Work {
        if spare.capacity() > LARGE && spare.len() < spare.capacity() / 4 {
            *spare = Vec::new();
        }
        spare.clear();
        let mut state = self.lock();
        while state.lines.is_empty() && !state.is_to_reopen() {
            if state.closed {
                return Work::End;
            }
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
        Work::Write(Batch {
            lines: mem::replace(&mut state.lines, mem::take(spare)),
            events: state.queued(),
            gap: state.lost() - state.gap_on_record,
            is_last: state.closed,
        })
    }

    /// Enters what became of some lines of a batch into the account.
    pub(super) fn settle(&self, settled: Settled) {
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
            None if settled.written > 0 => state.failing_since = None,
            None => {}
        }
        let replaced = state.keep(settled.error);
        drop(state);
        self.progress.notify_all();
        self.room.notify_all();
        drop(replaced);
    }

    /// So many events that were counted as written are lost after all.
    pub(super) fn recount(&self, events: u64, error: io::Error) {
        let mut state = self.lock();
        state.written -= events;
        state.failed += events;
        state.failing_since = state.failing_since.or_else(|| Some(now()));
        drop(state.keep(Some(error)));
    }

    /// Whether writing is possible, found out without an event to write.
    pub(super) fn found(&self, probed: io::Result<()>) {
        let mut state = self.lock();
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
    pub(super) fn note(&self, error: io::Error) {
        let replaced = self.lock().keep(Some(error));
        drop(replaced);
    }

    /// Since when nothing can be written.
    pub(super) fn is_failing(&self) -> bool {
        self.lock().failing_since.is_some()
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
        state.idle = false;
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

    /// What became of all the wishes for a file opened anew so far.
    pub(super) fn reopened(&self, result: io::Result<()>) {
        let mut state = self.lock();
        state.reopening.done = state.reopening.asked;
        state.reopening.failed = result.err().map(Arc::new);
        drop(state);
        self.progress.notify_all();
    }

    /// Waits before a failed write is tried again, for no longer than `pause`.
    pub(super) fn pause_before_retry(&self, pause: Duration) -> Retry {
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

    /// Waits until the line with this ticket is settled, for as long as that
    /// takes.
    pub(super) fn wait_for(&self, ticket: u64) {
        let state = self.lock();
        drop(
            self.progress
                .wait_while(state, |state| state.settled() < ticket && !state.gone)
                .unwrap_or_else(PoisonError::into_inner),
        );
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

impl Reopening {
    fn is_asked(&self) -> bool {
        self.asked > self.done
    }
}

impl State {
    fn settled(&self) -> u64 {
        self.written + self.failed
    }

    fn lost(&self) -> u64 {
        self.refused + self.failed
    }

    fn is_to_reopen(&self) -> bool {
        self.reopening.is_asked() && self.settled() >= self.reopening.behind
    }

    fn is_half(&self, capacity: u64) -> bool {
        2 * self.queued() >= capacity
    }

    fn has_room(&self, capacity: u64) -> bool {
        self.queued() + self.reserved < capacity
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
