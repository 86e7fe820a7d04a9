//! No call without a record.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The code of the [`Outcome::ExecutionFailed`](crate::Outcome) of a call that
/// was begun and of which nobody knows how it ended: the process did not live
/// to see it.
pub const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";

/// Has a sink answer for every call before it is begun: fail closed.
///
/// [`AuditSink::on_start`](crate::AuditSink::on_start) then keeps a place in
/// the queue for the call's event and puts the call's start on disk, in a small
/// journal beside the log. It refuses when it can do neither, and while the log
/// cannot be written. A call that has been started is on record however it
/// ends: writing its event is tried again until it succeeds, and if the process
/// dies before that, the log gets an event for it when it is next opened,
/// `execution_failed` with the code [`OUTCOME_UNKNOWN`]. So does, at worst, a
/// call that was refused because its start could not be put on disk, if it left
/// no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strict {
    pub(crate) patience: Duration,
    pub(crate) journal: Option<PathBuf>,
}

impl Strict {
    /// A start waits at most 500 ms for a place in a full queue; the journal of
    /// `audit.jsonl` is `audit.jsonl.journal`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            patience: Duration::from_millis(500),
            journal: None,
        }
    }

    /// How long a start waits for a place in a full queue.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where the journal is. It must always be the same for one log.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    pub(crate) fn journal_of(&self, log: &Path) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| {
            let mut name = log.file_name().unwrap_or_default().to_owned();
            name.push(".journal");
            log.with_file_name(name)
        })
    }
}

impl Default for Strict {
    fn default() -> Self {
        Self::new()
    }
}
