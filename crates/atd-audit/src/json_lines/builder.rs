//! The options of a [`JsonLinesAuditSink`].

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::Path,
};

use super::{DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink, file, output::LineOutput};
use crate::Backpressure;

/// Sets up a [`JsonLinesAuditSink`]; made by [`JsonLinesAuditSink::builder`].
///
/// ```no_run
/// use std::path::Path;
///
/// use atd_audit::JsonLinesAuditSink;
///
/// let sink = JsonLinesAuditSink::builder()
///     .capacity(16 * 1024)
///     .file(Path::new("audit.jsonl"))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct JsonLinesBuilder {
    pub(super) capacity: NonZeroUsize,
    pub(super) backpressure: Backpressure,
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

    /// A sink over `writer`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn writer(self, writer: Box<dyn Write + Send>) -> io::Result<JsonLinesAuditSink> {
        JsonLinesAuditSink::start(LineOutput::new(writer), self)
    }

    /// A sink that appends to the file at `path`.
    ///
    /// A missing file is created, on Unix readable and writable by its owner
    /// alone (mode 0600). What the file holds is never overwritten: where its
    /// last line was cut short, the first event begins on a line of its own.
    ///
    /// # Errors
    /// The file cannot be opened for appending, or no thread can be started.
    pub fn file(self, path: &Path) -> io::Result<JsonLinesAuditSink> {
        JsonLinesAuditSink::start(file::open(path)?, self)
    }
}

impl Default for JsonLinesBuilder {
    fn default() -> Self {
        Self {
            capacity: at_least_one(DEFAULT_AUDIT_QUEUE_CAPACITY),
            backpressure: Backpressure::default(),
        }
    }
}

fn at_least_one(events: usize) -> NonZeroUsize {
    NonZeroUsize::new(events).unwrap_or(NonZeroUsize::MIN)
}
