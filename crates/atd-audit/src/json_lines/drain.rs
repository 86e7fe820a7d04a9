//! The thread that writes.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::{
    journal::Journal,
    lines::{Lines, Span},
    output::LineOutput,
    queue::{Batch, Queue, Retry, Settled, Work},
    seal::{Sealing, Terms},
};
use crate::{Durability, timestamp::monotonic};

/// How long a writer that failed is left alone: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How many bytes are written at once: few enough that those who wait for room
/// in the queue can go on while the rest of it is written. What has to be on
/// disk is put there all at once.
const AT_ONCE: usize = 32 * 1024;

/// How long lines gather after some were written. To wake a thread costs whoever
/// reports an event many times what it costs to leave a line: at a steady pace
/// nobody has to.
const NAP: Duration = Duration::from_micros(500);

/// The same at most, where somebody waits for the disk.
const LONGEST_GATHERING: Duration = Duration::from_millis(2);

/// For so many batches nobody is waited for, once those who waited for the disk
/// were not there in that time.
const UNGATHERED: u32 = 32;

/// What becomes of lines that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// They are lost.
    Lost,
    /// They are written again until they are, or the sink is ended.
    Retried,
}

/// Takes what is queued, and writes it.
pub(super) struct Drain<'a> {
    pub(super) queue: &'a Queue,
    pub(super) output: LineOutput,
    pub(super) sealing: Sealing,
    pub(super) failed: Failed,
    pub(super) durability: Durability,
    pub(super) journal: Option<&'a Journal>,
    /// How many events had come while the last were written.
    pub(super) others: u64,
    /// How many batches are written yet without letting lines gather.
    pub(super) ungathered: u32,
    /// Events written since the last sync, and when the first of them was.
    pub(super) unsynced: Option<Unsynced>,
}

/// What is written and perhaps not on disk.
pub(super) struct Unsynced {
    events: u64,
    since: Instant,
}

/// The lines of a batch that are neither on record nor lost.
struct Rest<'a> {
    lines: Span<'a>,
    terms: Terms,
}

impl Drain<'_> {
    /// Writes what the queue holds until it is closed and empty, then drops
    /// the writer.
    pub(super) fn run(self) {
        // Made first and so dropped last: it speaks when the writer is closed,
        // or when something here panicked after all.
        let _gone = Gone(self.queue);
        let mut drain = self;
        let mut spare = Lines::default();
        loop {
            match drain.queue.take(&mut spare, drain.patience()) {
                Work::Write(batch) => {
                    let began = monotonic();
                    drain.write(&batch);
                    drain.let_gather(batch.lines.len(), monotonic() - began);
                    spare = batch.lines;
                }
                Work::Reopen => drain.reopen(),
                Work::Nothing => drain.probe_what_fails(),
                Work::End => break,
            }
            drain.sync_if_due();
            if drain.journal.is_some_and(Journal::is_large) {
                drain.put_on_disk();
            }
        }
        drain.finish();
    }

    /// Lets lines gather after a batch of so many, which took so long.
    fn let_gather(&mut self, events: u64, took: Duration) {
        match self.durability {
            // Those who waited for the disk are about to report their next: it
            // goes there sooner with all of them than after the first few. But
            // where the disk is as fast as they are, some of them report while
            // the others are written, and neither waits. How long it took says
            // nothing of the disk if it was tried again.
            Durability::Sync if self.ungathered > 0 => self.ungathered -= 1,
            Durability::Sync => {
                let at_most = (took / 2).min(LONGEST_GATHERING);
                if !self.queue.let_gather(events + self.others, at_most) {
                    self.ungathered = UNGATHERED;
                }
            }
            Durability::Buffered | Durability::Interval(_) => {
                self.queue.let_gather(self.queue.half(), NAP);
            }
        }
    }

    /// How long to wait for lines before something else is due.
    fn patience(&self) -> Option<Duration> {
        let to_sync = match (self.durability, &self.unsynced) {
            (Durability::Interval(interval), Some(unsynced)) => {
                Some(interval.saturating_sub(monotonic() - unsynced.since))
            }
            _ => None,
        };
        let to_probe = (self.journal.is_some() && self.queue.is_failing()).then_some(LONGEST_PAUSE);
        to_sync.into_iter().chain(to_probe).min()
    }

    fn write(&mut self, batch: &Batch) {
        let mut rest = Rest {
            lines: batch.lines.all(),
            terms: Terms {
                gap: batch.gap,
                room: None,
                at_most: match self.durability {
                    Durability::Sync => usize::MAX,
                    Durability::Buffered | Durability::Interval(_) => AT_ONCE,
                },
                is_last: batch.is_last,
            },
        };
        let mut pause = FIRST_PAUSE;
        while !rest.lines.is_empty() {
            if self.write_part(&mut rest) {
                pause = FIRST_PAUSE;
                continue;
            }
            if !rest.lines.is_empty() {
                match self.queue.pause_before_retry(pause) {
                    Retry::Yes => {}
                    Retry::AfterReopening => self.reopen(),
                    Retry::No => self.lose(&mut rest),
                }
                self.sync_if_due();
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Writes as much as the segment takes; false if that failed. What is
    /// settled then is no longer in `rest`.
    fn write_part(&mut self, rest: &mut Rest<'_>) -> bool {
        self.begin_what_follows_distrust();
        rest.terms.room = self.output.file().and_then(|file| file.room());
        let part = self.sealing.part(rest.lines, &rest.terms);
        let durable = self.durability == Durability::Sync;
        let bytes = self.sealing.bytes(&part, rest.lines);
        let written = self.output.write(bytes, part.events, durable);
        #[cfg(feature = "chain")]
        let head = self.sealing.commit(&part, written.possible);

        let is_whole = written.lines == part.events;
        let mut settled = Settled {
            written: written.lines,
            ..Settled::default()
        };
        #[cfg(feature = "chain")]
        {
            settled.head = head;
        }
        if written.lines > 0 {
            settled.gap = std::mem::take(&mut rest.terms.gap);
            let recorded = rest.pass(written.lines);
            if let Some(journal) = self.journal {
                journal.recorded(recorded);
            }
            self.count_unsynced(written.lines);
        }
        if !is_whole {
            // What is in doubt is not written twice.
            let lost = match self.failed {
                Failed::Lost => rest.events(),
                Failed::Retried if written.is_in_doubt() => part.events - written.lines,
                Failed::Retried => 0,
            };
            rest.pass(lost);
            settled.failed = lost;
        }
        settled.error = written.error;
        self.others = self.queue.settle(settled);
        if is_whole && part.ends_segment {
            self.rotate();
        }
        is_whole
    }

    /// What is written next may be the first in another file.
    fn begin_what_follows_distrust(&mut self) {
        #[cfg(feature = "chain")]
        if self.output.file().is_some_and(|file| file.is_distrusted()) {
            self.sealing.begin_file();
        }
    }

    fn lose(&self, rest: &mut Rest<'_>) {
        let lost = rest.events();
        rest.pass(lost);
        self.queue.settle(Settled {
            failed: lost,
            ..Settled::default()
        });
    }

    fn count_unsynced(&mut self, events: u64) {
        if matches!(self.durability, Durability::Interval(_)) {
            let unsynced = self.unsynced.get_or_insert_with(|| Unsynced {
                events: 0,
                since: monotonic(),
            });
            unsynced.events += events;
        }
    }

    fn sync_if_due(&mut self) {
        if let (Durability::Interval(interval), Some(unsynced)) = (self.durability, &self.unsynced)
            && monotonic() - unsynced.since >= interval
        {
            self.sync();
        }
    }

    /// Puts what was written on disk; whether it is there.
    fn sync(&mut self) -> bool {
        let unsynced = self.unsynced.take().map_or(0, |unsynced| unsynced.events);
        match self.output.sync() {
            Ok(()) => {
                self.queue.synced();
                true
            }
            Err(error) => {
                self.queue.recount(unsynced, error);
                if let Some(journal) = self.journal {
                    journal.doubt();
                }
                false
            }
        }
    }

    fn rotate(&mut self) {
        // The journal forgets the calls of a segment before that is deleted.
        let is_told = !self.is_durable() || self.put_on_disk();
        let Some(file) = self.output.file() else {
            return;
        };
        if let Err(error) = file.rotate() {
            return self.queue.note(error);
        }
        #[cfg(feature = "chain")]
        self.sealing.begin_file();
        if is_told && let Err(error) = self.output.file().map_or(Ok(()), |file| file.prune()) {
            self.queue.note(error);
        }
    }

    fn reopen(&mut self) {
        // What is in the file that is left may never be looked at again.
        if self.is_durable() {
            self.put_on_disk();
        }
        let reopened = match self.output.file().map(super::file::LogFile::reopen) {
            None => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the sink writes to no file of its own",
            )),
            Some(Ok(is_another)) => {
                if is_another {
                    self.output.begin_file();
                    #[cfg(feature = "chain")]
                    self.sealing.begin_file();
                }
                Ok(())
            }
            Some(Err(error)) => Err(error),
        };
        self.queue.reopened(reopened);
    }

    /// While nothing can be written no call begins, and so none may come whose
    /// event would show that writing works again.
    fn probe_what_fails(&mut self) {
        if self.journal.is_some() && self.queue.is_failing() {
            self.begin_what_follows_distrust();
            let probed = self.output.probe();
            self.queue.found(probed);
        }
    }

    /// Whether it matters that what was written is on disk.
    fn is_durable(&self) -> bool {
        self.durability != Durability::Buffered || self.journal.is_some()
    }

    /// Puts what was written on disk, and has the journal forget it; whether
    /// both succeeded.
    fn put_on_disk(&mut self) -> bool {
        if !self.sync() {
            return false;
        }
        let Some(journal) = self.journal else {
            return true;
        };
        match journal.shrink() {
            Ok(()) => true,
            Err(error) => {
                self.queue.note(error);
                false
            }
        }
    }

    fn finish(&mut self) {
        let is_synced = (self.unsynced.is_none() && self.journal.is_none()) || self.sync();
        if let Some(journal) = self.journal
            && let Err(error) = journal.close(is_synced)
        {
            self.queue.note(error);
        }
    }
}

impl<'a> Rest<'a> {
    fn events(&self) -> u64 {
        self.lines.len()
    }

    /// Leaves so many lines behind, and gives them.
    fn pass(&mut self, lines: u64) -> Span<'a> {
        let (passed, others) = self.lines.split_at(lines);
        self.lines = others;
        passed
    }
}

/// Tells the queue that nobody will write any more.
struct Gone<'a>(&'a Queue);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let error =
            thread::panicking().then(|| io::Error::other("a panic ended the writer thread"));
        self.0.writer_gone(error);
    }
}
