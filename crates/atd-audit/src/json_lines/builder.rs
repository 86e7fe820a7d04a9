//! The options of a [`JsonLinesAuditSink`].

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

#[cfg(feature = "test-util")]
use super::file::FileFaults;
use super::{
    DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink, Opened,
    file::{Clock, Disk, LogFile, Tail, Upkeep},
    journal::{Journal, recover},
    output::{LineOutput, Target},
    seal::Sealing,
};
#[cfg(feature = "chain")]
use crate::Chaining;
use crate::{
    Backpressure, BesideFields, Durability, DurableWrite, Retention, Rotation, Strict,
    timestamp::now,
};

/// Sets up a [`JsonLinesAuditSink`]; made by [`JsonLinesAuditSink::builder`].
///
/// ```no_run
/// use std::{num::NonZero, path::Path, time::Duration};
///
/// use atd_audit::{Backpressure, Durability, JsonLinesAuditSink, Retention, Rotation};
///
/// let sink = JsonLinesAuditSink::builder()
///     .capacity(16 * 1024)
///     .backpressure(Backpressure::Block { at_most: None })
///     .durability(Durability::Interval(Duration::from_secs(1)))
///     .rotation(Rotation::new().max_bytes(NonZero::new(64 << 20).unwrap()))
///     .retention(Retention::new().max_segments(NonZero::new(30).unwrap()))
///     .file(Path::new("audit.jsonl"))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct JsonLinesBuilder {
    pub(super) capacity: NonZeroUsize,
    pub(super) backpressure: Backpressure,
    pub(super) durability: Durability,
    pub(super) wanted: BesideFields,
    pub(super) strict: Option<Strict>,
    #[cfg(feature = "chain")]
    pub(super) chaining: Option<Chaining>,
    rotation: Rotation,
    retention: Retention,
    clock: Clock,
    disk: Disk,
}

impl JsonLinesBuilder {
    /// How many events may be queued, [`DEFAULT_AUDIT_QUEUE_CAPACITY`] unless
    /// set; 0 is taken as 1.
    #[must_use]
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = at_least_one(events);
        self
    }

    /// What happens to an event that finds the queue full; unless set, it is
    /// dropped and counted.
    #[must_use]
    pub fn backpressure(mut self, backpressure: Backpressure) -> Self {
        self.backpressure = backpressure;
        self
    }

    /// When an event is on record; unless set, when the operating system has
    /// it.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Has the sink answer for each call before it is begun. For a
    /// [`file`](Self::file) only.
    #[must_use]
    pub fn strict(mut self, strict: Strict) -> Self {
        self.strict = Some(strict);
        self
    }

    /// When the file is rotated away and a new one begun; unless set, never.
    /// For a [`file`](Self::file) only.
    #[must_use]
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Which rotated segments are kept; unless set, all. For a
    /// [`file`](Self::file) only.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Chains the lines, so that what is done to the log afterwards shows. In a
    /// [`file`](Self::file) the chain goes on where it ended.
    ///
    /// Lines without a chain that are in the log already are not part of it:
    /// whoever verifies the log has to allow for such a start.
    #[cfg(feature = "chain")]
    #[must_use]
    pub fn chain(mut self, chaining: Chaining) -> Self {
        self.chaining = Some(chaining);
        self
    }

    /// What is written beside the fields of an event, as far as whoever reports
    /// it knows; unless set, nothing.
    #[must_use]
    pub fn beside(mut self, fields: BesideFields) -> Self {
        self.wanted = fields;
        self
    }

    /// Tells the time by which segments are named and grow old, instead of the
    /// system's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock(Arc::new(clock));
        self
    }

    /// Has operations on the log's files fail.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn faults(mut self, faults: Arc<dyn FileFaults>) -> Self {
        self.disk.faults = Some(faults);
        self
    }

    /// A sink over `writer`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an option that needs a
    /// [`file`](Self::file) or a [`durable_writer`](Self::durable_writer);
    /// otherwise no thread can be started.
    pub fn writer(self, writer: Box<dyn Write + Send>) -> io::Result<JsonLinesAuditSink> {
        if self.durability != Durability::Buffered {
            return Err(invalid(
                "a plain writer cannot be synced; give a durable writer or a file, or choose \
                 `Durability::Buffered`",
            ));
        }
        self.target(Target::Plain(writer))
    }

    /// A sink over a `writer` that can say that what it took is on disk.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an option that needs a
    /// [`file`](Self::file); otherwise no thread can be started.
    pub fn durable_writer(
        self,
        writer: Box<dyn DurableWrite + Send>,
    ) -> io::Result<JsonLinesAuditSink> {
        self.target(Target::Durable(writer))
    }

    fn target(self, target: Target) -> io::Result<JsonLinesAuditSink> {
        let of_a_file = [
            ("strict", self.strict.is_some()),
            ("rotation", self.rotation != Rotation::new()),
            ("retention", self.retention != Retention::new()),
        ];
        if let Some((option, _)) = of_a_file.iter().find(|(_, is_set)| *is_set) {
            return Err(invalid(&format!(
                "`{option}` is for a log in a file: a writer has no place for it"
            )));
        }
        let opened = Opened {
            output: LineOutput::new(target),
            sealing: self.sealing(&Tail::default()),
            journal: None,
            recovered: Vec::new(),
            probed: Ok(()),
        };
        JsonLinesAuditSink::start(opened, self)
    }

    /// A sink that appends to the file at `path`.
    ///
    /// A missing file is created, on Unix readable and writable by its owner
    /// alone (mode 0600). What the file holds is never overwritten: where its
    /// last line was cut short, the first event begins on a line of its own.
    /// On Unix the file is locked, so that no other sink writes to it.
    ///
    /// # Errors
    /// - [`io::ErrorKind::ResourceBusy`]: another process, or another sink,
    ///   writes to this log.
    /// - [`io::ErrorKind::InvalidInput`]: the options ask for what the file
    ///   cannot do, or the log was chained and would not be any more.
    /// - The file or the journal cannot be opened for appending, or the log not
    ///   be read, or no thread be started.
    pub fn file(self, path: &Path) -> io::Result<JsonLinesAuditSink> {
        let upkeep = Upkeep {
            rotation: self.rotation,
            retention: self.retention,
            durable: self.durability != Durability::Buffered || self.strict.is_some(),
            needs_regular: self.durability != Durability::Buffered
                || self.rotation != Rotation::new(),
            chained: self.is_chained(),
            clock: self.clock.clone(),
            disk: self.disk.clone(),
        };
        let (log, tail) = LogFile::open(path, upkeep)?;
        self.check(path, &tail)?;
        let (journal, recovered) = match &self.strict {
            Some(strict) => {
                let journal = strict.journal_of(path);
                let recovered = recover(&journal, path)?;
                let journal = Journal::open(&journal, self.disk.clone(), &recovered)?;
                (Some(Arc::new(journal)), recovered)
            }
            None => (None, Vec::new()),
        };
        // Not before: what is deleted cannot tell that a call is on record.
        log.prune()?;
        let is_regular = log.is_regular();
        let mut output = LineOutput::new(Target::File(Box::new(log)));
        if tail.is_torn {
            output.begin_line();
        }
        // Nothing else tells whether a device takes anything, and a last line
        // that lacks its newline is on record only with it.
        let must_probe = journal.is_some() && (!is_regular || tail.is_torn);
        let opened = Opened {
            probed: if must_probe { output.probe() } else { Ok(()) },
            output,
            sealing: self.sealing(&tail),
            journal,
            recovered,
        };
        JsonLinesAuditSink::start(opened, self)
    }

    fn check(&self, path: &Path, tail: &Tail) -> io::Result<()> {
        let path = path.display();
        let is_chained = self.is_chained();
        if tail.is_unreadable && (is_chained || self.strict.is_some()) {
            return Err(invalid(&format!(
                "{path} may be appended to and not read: a chain cannot go on, and a strict log \
                 not be recovered"
            )));
        }
        if tail.is_chained && !is_chained {
            return Err(invalid(&format!(
                "the lines of {path} are chained, and one without would break the chain: \
                 write on with a chain, or to another file"
            )));
        }
        Ok(())
    }

    #[cfg(feature = "chain")]
    pub(super) fn is_chained(&self) -> bool {
        self.chaining.is_some()
    }

    #[cfg(not(feature = "chain"))]
    #[expect(clippy::unused_self, reason = "with a chain it is used")]
    pub(super) fn is_chained(&self) -> bool {
        false
    }

    #[cfg(feature = "chain")]
    fn sealing(&self, tail: &Tail) -> Sealing {
        Sealing::new(self.chaining.clone(), tail.last)
    }

    #[cfg(not(feature = "chain"))]
    #[expect(clippy::unused_self, reason = "with a chain it is used")]
    fn sealing(&self, _: &Tail) -> Sealing {
        Sealing::new()
    }
}

impl Default for JsonLinesBuilder {
    fn default() -> Self {
        Self {
            capacity: at_least_one(DEFAULT_AUDIT_QUEUE_CAPACITY),
            backpressure: Backpressure::default(),
            durability: Durability::default(),
            wanted: BesideFields::NONE,
            strict: None,
            #[cfg(feature = "chain")]
            chaining: None,
            rotation: Rotation::new(),
            retention: Retention::new(),
            clock: Clock(Arc::new(now)),
            disk: Disk::default(),
        }
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

fn at_least_one(events: usize) -> NonZeroUsize {
    NonZeroUsize::new(events).unwrap_or(NonZeroUsize::MIN)
}
