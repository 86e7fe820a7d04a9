//! How events get to the sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use atd_audit::{AuditError, AuditSink, Beside, BesideFields, CallEvent};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::Dispatcher;
use super::error::CallError;
use super::record::Record;
use super::spare;

/// How many events of calls that were refused for want of an audit may wait for
/// it to work again. Calls that ran are not limited here: each has its caller
/// waiting for it.
const REFUSALS_WAITING: usize = 1024;

/// Where records go, and what is asked of them.
#[derive(Clone)]
pub(crate) struct Audit {
    pub(crate) sink: Arc<dyn AuditSink>,
    /// What is to be made besides the event.
    pub(super) wants: BesideFields,
    /// Whether the sink answers for a call before that begins.
    is_strict: bool,
}

/// What a sink is given of a call.
pub(super) struct Entry {
    pub(super) event: Box<CallEvent>,
    /// `None` for a sink that wants nothing of it.
    pub(super) beside: Option<Beside>,
}

impl Audit {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            wants: sink.wants(),
            is_strict: sink.is_strict(),
            sink,
        }
    }

    fn hand_over(&self, entry: &Entry, may_wait: bool) -> bool {
        match &entry.beside {
            Some(beside) => self.sink.on_call_with(&entry.event, beside, may_wait),
            None if may_wait => {
                self.sink.on_call(&entry.event);
                true
            }
            None => self.sink.try_on_call(&entry.event),
        }
    }
}

/// The start of a call that the sink has not answered yet.
pub(super) type Starting = oneshot::Receiver<Result<(), AuditError>>;

impl Dispatcher {
    /// Whether a sink answers for a call before that begins.
    pub(super) fn is_strict(&self) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.is_strict)
    }

    /// Has a strict sink answer for a call that is about to begin.
    pub(super) async fn start(
        &self,
        record: &mut Record<'_>,
        deadline: Instant,
    ) -> Result<(), CallError> {
        let Some(audit) = self.audit.as_ref().filter(|audit| audit.is_strict) else {
            return Ok(());
        };
        let (answer, answered) = oneshot::channel();
        let (sink, start) = (audit.sink.clone(), record.start());
        self.off_the_workers(move || {
            let started = catch_unwind(AssertUnwindSafe(|| sink.on_start(&start)));
            // Who waited for it may have gone.
            let _ = answer.send(started.unwrap_or(Err(AuditError::Ended)));
        });
        // The record keeps what is not answered: its event comes after that.
        let answered = record.starting.insert(answered);
        let cause = match timeout_at(deadline, answered).await {
            Err(_) => "it did not answer by the call's deadline".to_owned(),
            Ok(answer) => {
                record.starting = None;
                match answer {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it panicked".to_owned(),
                }
            }
        };
        Err(CallError::AuditUnavailable { cause })
    }

    /// Gives an entry to the sink, which may have to be waited for: then what
    /// is returned ends when it has it. It is on its way even if that is
    /// dropped.
    pub(super) fn record(
        &self,
        audit: &Audit,
        entry: Entry,
        starting: Option<Starting>,
    ) -> Option<oneshot::Receiver<()>> {
        if starting.is_none() && self.took_at_once(audit, &entry) {
            spare::keep(entry.event);
            return None;
        }
        let (done, waited) = oneshot::channel();
        let audit = audit.clone();
        self.off_the_workers(move || {
            if let Some(starting) = starting {
                // Whatever the answer is, the event comes after it.
                let _ = starting.blocking_recv();
            }
            if catch_unwind(AssertUnwindSafe(|| audit.hand_over(&entry, true))).is_err() {
                tracing::error!(call_id = entry.event.call_id, "the audit sink panicked");
            }
            // Nobody may wait for it.
            let _ = done.send(());
        });
        Some(waited)
    }

    /// As [`record`](Self::record), for a call that was refused because the
    /// sink could not answer for it. Its caller does not wait for that sink,
    /// and so the number of such events that do is limited.
    pub(super) fn record_refusal(&self, audit: &Audit, entry: Entry, starting: Option<Starting>) {
        let has_to_wait = starting.is_some() || !self.took_at_once(audit, &entry);
        if !has_to_wait {
            return;
        }
        // The event of a call whose start may yet be answered has to come.
        if starting.is_some() || self.handing_over.len() < REFUSALS_WAITING {
            drop(self.record(audit, entry, starting));
        } else {
            self.metrics.audit_skipped.add_one();
        }
    }

    fn took_at_once(&self, audit: &Audit, entry: &Entry) -> bool {
        // This may run in the drop of a call that is unwinding.
        let taken = catch_unwind(AssertUnwindSafe(|| audit.hand_over(entry, false)));
        taken.unwrap_or_else(|panic| {
            std::mem::forget(panic);
            self.metrics.audit_panics.add_one();
            tracing::error!(call_id = entry.event.call_id, "the audit sink panicked");
            true
        })
    }

    /// Waits for the events that wait for the sink; no longer than `patience`.
    pub(crate) async fn recorded(&self, patience: Duration) {
        self.handing_over.close();
        // What is left then, the sink's own account tells.
        let _ = timeout(patience, self.handing_over.wait()).await;
        self.handing_over.reopen();
    }

    /// Does what may wait for a disk where no async worker waits with it.
    fn off_the_workers(&self, work: impl FnOnce() + Send + 'static) {
        match Handle::try_current() {
            Ok(runtime) => drop(self.handing_over.spawn_blocking_on(work, &runtime)),
            // Without a runtime there is no worker to hold up.
            Err(_) => work(),
        }
    }
}
