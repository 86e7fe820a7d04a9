//! What is queued, and the account of what became of each event.

use std::{io, mem, sync::Arc, time::SystemTime};

use super::super::lines::Lines;
use crate::AuditError;
#[cfg(feature = "chain")]
use crate::chain::Link;

/// What every event changes, if calls are not started and lines not chained,
/// stands first: it lies on one cache line with the lock, and the rest is seldom
/// changed. Threads that report at once pass no more from one to the other.
#[derive(Default)]
#[repr(C)]
pub(super) struct State {
    /// Events ever taken into `lines`.
    pub(super) accepted: u64,
    pub(super) lines: Lines,
    /// Accepted events that are on record.
    pub(super) written: u64,
    /// Accepted events that could not be written.
    pub(super) failed: u64,
    /// Places kept for the events of calls that were started.
    pub(super) reserved: u64,
    /// How often the writer thread has taken what there was.
    pub(super) batches: u64,
    /// The writer thread lets lines gather, and is woken when so many have.
    pub(super) gathering: Option<u64>,
    /// The writer thread sleeps and must be woken.
    pub(super) idle: bool,
    /// No more events are taken.
    pub(super) closed: bool,
    /// The writer thread has ended, or never began.
    pub(super) gone: bool,
    /// That it could be written is not enough any more: it has to be synced.
    pub(super) sync_failed: bool,
    /// How many wait for what is queued to be written.
    pub(super) hurried: u64,
    /// How many wait for room.
    pub(super) waiting: u64,
    /// How many wait for whatever else the writer thread does.
    pub(super) watching: u64,
    /// Events never taken, because the queue was full or closed.
    pub(super) refused: u64,
    /// Events that went elsewhere, because the queue was full.
    pub(super) spilled: u64,
    /// How many failed ones a flush or a shutdown has told of.
    pub(super) told: u64,
    /// How many events a line on record says are missing.
    pub(super) gap_on_record: u64,
    pub(super) last_error: Option<Arc<io::Error>>,
    /// Since when nothing could be written.
    pub(super) failing_since: Option<SystemTime>,
    #[cfg(feature = "chain")]
    pub(super) head: Option<Link>,
    pub(super) reopening: Reopening,
}

// With the eight bytes of the lock before it, and without the hashes of a chain.
const _: () = assert!(mem::offset_of!(State, lines) + 2 * size_of::<Vec<u8>>() + 8 <= 64);

/// How often the file was to be opened anew, and was.
#[derive(Default)]
pub(super) struct Reopening {
    pub(super) asked: u64,
    pub(super) done: u64,
    /// How many events were accepted when it was last asked for: they go into
    /// the file that is open.
    pub(super) behind: u64,
    pub(super) failed: Option<Arc<io::Error>>,
}

impl Reopening {
    pub(super) fn is_asked(&self) -> bool {
        self.asked > self.done
    }
}

impl State {
    pub(super) fn settled(&self) -> u64 {
        self.written + self.failed
    }

    pub(super) fn lost(&self) -> u64 {
        self.refused + self.failed
    }

    pub(super) fn is_to_reopen(&self) -> bool {
        self.reopening.is_asked() && self.settled() >= self.reopening.behind
    }

    /// Whether what the writer thread lets gather has.
    pub(super) fn has_gathered(&self) -> bool {
        self.gathering.is_some_and(|enough| self.queued() >= enough)
    }

    /// Whether the writer thread sleeps and has to be woken. It is said once,
    /// however long that takes to get up.
    pub(super) fn rouse(&mut self) -> bool {
        mem::take(&mut self.idle) | self.gathering.take().is_some()
    }

    /// Whether somebody waits for what the writer thread lets gather.
    pub(super) fn is_wanted(&self, capacity: u64) -> bool {
        // Who waits though there is room is about to find it.
        let lacks_room = self.waiting > 0 && !self.has_room(capacity);
        self.closed || self.hurried > 0 || lacks_room || self.reopening.is_asked()
    }

    pub(super) fn has_room(&self, capacity: u64) -> bool {
        self.queued() + self.reserved < capacity
    }

    /// Events accepted and not settled, those that are being written included.
    pub(super) fn queued(&self) -> u64 {
        self.accepted - self.settled()
    }

    /// Keeps `error`, if there is one, and returns the one before it. That is
    /// to be dropped without the lock: a writer's own error type may do
    /// anything when it is dropped.
    #[must_use]
    pub(super) fn keep(&mut self, error: Option<io::Error>) -> Option<Arc<io::Error>> {
        self.last_error.replace(Arc::new(error?))
    }

    /// The failures that nobody was told of yet.
    pub(super) fn tell_failures(&mut self) -> Result<(), AuditError> {
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
