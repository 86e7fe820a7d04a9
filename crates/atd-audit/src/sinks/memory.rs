//! A sink for tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{AuditSink, CallEvent, Health};

/// Keeps every event, without a limit, for a test to look at.
///
/// ```
/// use atd_audit::MemoryAuditSink;
///
/// let sink = MemoryAuditSink::new();
/// assert!(sink.events().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct MemoryAuditSink {
    events: Mutex<Vec<CallEvent>>,
}

impl MemoryAuditSink {
    /// A sink that holds no event yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far, in the order in which they came.
    #[must_use]
    pub fn events(&self) -> Vec<CallEvent> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CallEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for MemoryAuditSink {
    fn on_call(&self, event: &CallEvent) {
        self.lock().push(event.clone());
    }

    fn health(&self) -> Health {
        Health {
            written: self.lock().len() as u64,
            ..Health::default()
        }
    }
}
