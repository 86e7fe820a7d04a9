//! What happens to an event that finds the queue full.

use std::{fmt, sync::Arc, time::Duration};

use crate::AuditSink;

/// What a [`JsonLinesAuditSink`](crate::JsonLinesAuditSink) does with an event
/// that finds its queue full.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Backpressure {
    /// It is dropped, and counted as lost. Calls never wait.
    #[default]
    Drop,
    /// The call waits for room: nothing is lost while the sink lives. A write
    /// that fails is tried again until it succeeds or the sink is ended.
    Block {
        /// How long one event may wait before it is counted as lost after all;
        /// `None` for as long as it takes.
        at_most: Option<Duration>,
    },
    /// It goes to another sink, and is counted as
    /// [`spilled`](crate::Health::spilled).
    Spill(Arc<dyn AuditSink>),
}

impl fmt::Debug for Backpressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("Drop"),
            Self::Block { at_most } => f.debug_struct("Block").field("at_most", at_most).finish(),
            Self::Spill(_) => f.write_str("Spill"),
        }
    }
}
