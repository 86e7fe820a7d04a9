//! What a sink says of itself.

use std::{io, sync::Arc, time::SystemTime};

/// How a sink stands at one moment.
///
/// The counters are taken together, so that `queued + written + lost +
/// spilled` is the number of events the sink was ever given.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Health {
    /// Events taken and not yet written.
    pub queued: u64,
    /// Events on record.
    pub written: u64,
    /// Events not known to be on record: refused by a full or closed queue, or
    /// taken and then not written. The same number as
    /// [`drops`](crate::AuditSink::drops).
    pub lost: u64,
    /// Events that a full queue passed on to another sink, which knows what
    /// became of them.
    pub spilled: u64,
    /// The last failure of what is below the sink. It stays when writing works
    /// again.
    pub last_error: Option<Arc<io::Error>>,
    /// Since when nothing can be written; `None` while it can, as far as is
    /// known.
    pub failing_since: Option<SystemTime>,
}

impl Health {
    /// Events that the sink was ever given.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        self.queued + self.written + self.lost + self.spilled
    }
}
