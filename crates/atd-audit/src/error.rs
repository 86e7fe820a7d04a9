//! What a sink could not do in the time it had.

use std::{error, fmt, io, sync::Arc};

/// Why [`flush`](crate::AuditSink::flush) or
/// [`shutdown`](crate::JsonLinesAuditSink::shutdown) did not leave everything
/// on record.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuditError {
    /// The time was up. The events are still queued: they are neither written
    /// nor counted as lost yet, and may still be written.
    TimedOut {
        /// How many of the events in question were still queued.
        queued: u64,
    },
    /// None of the events in question is queued any more, but some events could
    /// not be written. Each such event is told of once, to whoever asks first.
    WriteFailed {
        /// How many events failed to be written since that was last told.
        lost: u64,
        /// The last failure.
        source: Arc<io::Error>,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { queued } => {
                write!(f, "the time was up with {queued} audit events still queued")
            }
            Self::WriteFailed { lost, .. } => write!(f, "{lost} audit events could not be written"),
        }
    }
}

impl error::Error for AuditError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::TimedOut { .. } => None,
            Self::WriteFailed { source, .. } => Some(&**source),
        }
    }
}
