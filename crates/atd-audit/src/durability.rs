//! When an event is on record.

use std::{
    fs::File,
    io::{self, Write},
    time::Duration,
};

/// What has to have happened to an event's line before a
/// [`JsonLinesAuditSink`](crate::JsonLinesAuditSink) counts it as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The operating system has it: it outlives the process, however that
    /// ends, and not a power failure.
    #[default]
    Buffered,
    /// As `Buffered`, and what was written is put on disk at the latest this
    /// long after. When that fails, the events since the last time it
    /// succeeded are counted as lost after all, though most of them may be on
    /// record.
    Interval(Duration),
    /// It is on disk. [`on_call`](crate::AuditSink::on_call) returns when it
    /// is, or when it is counted as lost; events that come while the disk is
    /// at work are put there together (group commit).
    Sync,
}

/// A writer that can say that what it took is on disk.
pub trait DurableWrite: Write {
    /// Puts everything written so far on disk.
    ///
    /// # Errors
    /// Any of it may not be there. The sink does not ask again for the same
    /// bytes: an operating system may have given them up.
    fn sync(&mut self) -> io::Result<()>;
}

impl DurableWrite for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
