//! One event to two sinks.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{AuditError, AuditSink, Beside, BesideFields, CallEvent, Health};

/// Gives each event to two sinks. What goes wrong in one never touches the
/// other: not a panic, and not a loss.
///
/// Of two that may wait, each is waited for in its turn; to let neither wait
/// for the other, give each a queue of its own.
///
/// ```
/// use std::sync::Arc;
///
/// use atd_audit::{JsonLinesAuditSink, MemoryAuditSink, TeeAuditSink};
///
/// let seen = Arc::new(MemoryAuditSink::new());
/// let sink = TeeAuditSink::new(Arc::new(JsonLinesAuditSink::stdout()), seen.clone());
/// ```
pub struct TeeAuditSink {
    sinks: [Arc<dyn AuditSink>; 2],
    /// Events that a sink panicked on.
    panics: AtomicU64,
}

impl TeeAuditSink {
    /// A sink that gives each event to both.
    #[must_use]
    pub fn new(first: Arc<dyn AuditSink>, second: Arc<dyn AuditSink>) -> Self {
        Self {
            sinks: [first, second],
            panics: AtomicU64::new(0),
        }
    }

    /// Gives an event to each, whatever the other does with it.
    fn each(&self, give: impl Fn(&dyn AuditSink)) {
        for sink in &self.sinks {
            self.contained((), || give(&**sink));
        }
    }

    /// Gives an event to both or to none. It is tried with the sink that may
    /// have to be waited for; if both may, it is not tried, for what the first
    /// took could not be taken back.
    fn try_each(
        &self,
        try_give: impl Fn(&dyn AuditSink) -> bool,
        give: impl Fn(&dyn AuditSink),
    ) -> bool {
        let [first, second] = &self.sinks;
        let (tried, other) = match (first.may_wait(), second.may_wait()) {
            (true, true) => return false,
            (false, true) => (second, first),
            _ => (first, second),
        };
        // One that panicked has lost it, and the other gets it all the same.
        let taken = self.contained(true, || try_give(&**tried));
        if taken {
            self.contained((), || give(&**other));
        }
        taken
    }

    fn contained<T>(&self, if_it_panics: T, act: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            if_it_panics
        })
    }
}

impl AuditSink for TeeAuditSink {
    fn on_call(&self, event: &CallEvent) {
        self.each(|sink| sink.on_call(event));
    }

    fn try_on_call(&self, event: &CallEvent) -> bool {
        self.try_each(|sink| sink.try_on_call(event), |sink| sink.on_call(event))
    }

    fn may_wait(&self) -> bool {
        self.sinks
            .iter()
            .any(super::super::sink::AuditSink::may_wait)
    }

    fn wants(&self) -> BesideFields {
        let [first, second] = &self.sinks;
        first.wants().union(second.wants())
    }

    fn on_call_with(&self, event: &CallEvent, beside: &Beside, may_wait: bool) -> bool {
        let give = |sink: &dyn AuditSink| {
            sink.on_call_with(event, beside, true);
        };
        if may_wait {
            self.each(give);
            return true;
        }
        self.try_each(|sink| sink.on_call_with(event, beside, false), give)
    }

    fn is_strict(&self) -> bool {
        self.sinks
            .iter()
            .any(super::super::sink::AuditSink::is_strict)
    }

    /// Each sink that is strict has to answer for the call.
    fn on_start(&self, start: &CallEvent) -> Result<(), AuditError> {
        let [first, second] = &self.sinks;
        self.contained(Err(AuditError::Ended), || first.on_start(start))?;
        self.contained(Err(AuditError::Ended), || second.on_start(start))
    }

    fn drops(&self) -> u64 {
        let lost = self
            .sinks
            .iter()
            .map(super::super::sink::AuditSink::drops)
            .sum::<u64>();
        lost + self.panics.load(Ordering::Relaxed)
    }

    /// The two accounts together: each event counts twice.
    fn health(&self) -> Health {
        let [first, second] = &self.sinks;
        let (first, second) = (first.health(), second.health());
        Health {
            queued: first.queued + second.queued,
            written: first.written + second.written,
            lost: first.lost + second.lost + self.panics.load(Ordering::Relaxed),
            spilled: first.spilled + second.spilled,
            last_error: first.last_error.or(second.last_error),
            failing_since: [first.failing_since, second.failing_since]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// Waits for both, each with the whole of `timeout`.
    fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
        let [first, second] = &self.sinks;
        let flushed = self.contained(Err(AuditError::Ended), || first.flush(timeout));
        self.contained(Err(AuditError::Ended), || second.flush(timeout))
            .and(flushed)
    }
}

impl fmt::Debug for TeeAuditSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeeAuditSink")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
