//! What a sink could not do.

use std::{error, fmt, io, sync::Arc};

/// Why a sink did not do what it was asked to.
///
/// [`flush`](crate::AuditSink::flush) and
/// [`shutdown`](crate::JsonLinesAuditSink::shutdown) fail with the first two;
/// [`on_start`](crate::AuditSink::on_start) with those that say why a call
/// could not be taken.
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
    /// Nothing can be written now, so no call may begin.
    Failing {
        /// The last failure.
        source: Option<Arc<io::Error>>,
    },
    /// The queue has no place for the call's event.
    NoRoom,
    /// The start of the call could not be put on disk.
    Journal {
        /// Why.
        source: Arc<io::Error>,
    },
    /// A call of this id was started and has not ended. Its event must not be
    /// reported for this one.
    AlreadyStarted,
    /// By this id a call could not be found again: it must be 1 to 128 printable
    /// characters of ASCII, no quote and no backslash among them.
    CallId,
    /// The sink was shut down.
    Ended,
    /// The file could not be opened anew; the one before is still written to.
    NotReopened {
        /// Why.
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
            Self::Failing { .. } => f.write_str("the audit log cannot be written"),
            Self::NoRoom => f.write_str("the audit queue is full"),
            Self::Journal { .. } => {
                f.write_str("the start of the call could not be put on disk beside the audit log")
            }
            Self::AlreadyStarted => f.write_str("a call of this id was started and has not ended"),
            Self::CallId => f.write_str(
                "the id of a call that is started must be 1 to 128 printable characters of \
                 ASCII, without quotes and backslashes",
            ),
            Self::Ended => f.write_str("the audit sink was shut down"),
            Self::NotReopened { .. } => f.write_str("the audit log could not be opened anew"),
        }
    }
}

impl error::Error for AuditError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::WriteFailed { source, .. }
            | Self::Journal { source }
            | Self::NotReopened { source }
            | Self::Failing {
                source: Some(source),
            } => Some(&**source),
            _ => None,
        }
    }
}
