//! Some of the events.

use std::{fmt, time::Duration};

use crate::{AuditError, AuditSink, Beside, BesideFields, CallEvent, Health};

/// Gives those events to another sink that it is asked for, and leaves the
/// others out. What is left out is not counted. It is not strict, whatever the
/// other sink is: a call that is left out has no record.
///
/// ```
/// use atd_audit::{AuditSink, FilterAuditSink, MemoryAuditSink, Outcome};
///
/// let refused = FilterAuditSink::new(MemoryAuditSink::new(), |event| {
///     matches!(event.outcome, Outcome::CapabilityDenied { .. })
/// });
/// assert_eq!(refused.inner().events().len(), 0);
/// ```
pub struct FilterAuditSink<S, F> {
    inner: S,
    wanted: F,
}

impl<S: AuditSink, F: Fn(&CallEvent) -> bool + Send + Sync> FilterAuditSink<S, F> {
    /// A sink that gives `inner` the events that are `wanted`.
    #[must_use]
    pub fn new(inner: S, wanted: F) -> Self {
        Self { inner, wanted }
    }

    /// The sink that gets the events.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: AuditSink, F: Fn(&CallEvent) -> bool + Send + Sync> AuditSink for FilterAuditSink<S, F> {
    fn on_call(&self, event: &CallEvent) {
        if (self.wanted)(event) {
            self.inner.on_call(event);
        }
    }

    fn try_on_call(&self, event: &CallEvent) -> bool {
        !(self.wanted)(event) || self.inner.try_on_call(event)
    }

    fn may_wait(&self) -> bool {
        self.inner.may_wait()
    }

    fn wants(&self) -> BesideFields {
        self.inner.wants()
    }

    fn on_call_with(&self, event: &CallEvent, beside: &Beside, may_wait: bool) -> bool {
        !(self.wanted)(event) || self.inner.on_call_with(event, beside, may_wait)
    }

    fn drops(&self) -> u64 {
        self.inner.drops()
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
        self.inner.flush(timeout)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for FilterAuditSink<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterAuditSink")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
