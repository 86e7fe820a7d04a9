//! Where events go.

use std::{sync::Arc, time::Duration};

use crate::{AuditError, Beside, BesideFields, CallEvent, Health};

/// Takes the event of each call.
///
/// One method is required. Whatever this trait gains has a default, so that a
/// sink written today still compiles.
///
/// ```
/// use atd_audit::{AuditSink, CallEvent};
///
/// struct ToolNames(std::sync::mpsc::Sender<String>);
///
/// impl AuditSink for ToolNames {
///     fn on_call(&self, event: &CallEvent) {
///         // The receiver has gone: this sink then has nobody to tell.
///         let _ = self.0.send(event.tool_id.clone());
///     }
/// }
/// ```
pub trait AuditSink: Send + Sync {
    /// Takes one event.
    ///
    /// It is called once at the end of each call, from any thread, async
    /// workers among them: it must not panic, and not wait for I/O unless the
    /// sink's user chose that.
    fn on_call(&self, event: &CallEvent);

    /// Takes one event if that needs no waiting, and says whether it did. Who
    /// must not wait, as on an async worker, asks this first, and calls
    /// [`on_call`](Self::on_call) where waiting harms nobody when the answer
    /// is false: nothing was done then. The default is for a sink that never
    /// waits.
    fn try_on_call(&self, event: &CallEvent) -> bool {
        self.on_call(event);
        true
    }

    /// Whether [`on_call`](Self::on_call) may have to wait, so that
    /// [`try_on_call`](Self::try_on_call) may be false.
    fn may_wait(&self) -> bool {
        false
    }

    /// What this sink wants to know of a call besides its event; nothing unless
    /// it says so. Asked once, before the first call.
    fn wants(&self) -> BesideFields {
        BesideFields::NONE
    }

    /// Takes one event and what is known besides, as
    /// [`on_call`](Self::on_call) does if it `may_wait`, and as
    /// [`try_on_call`](Self::try_on_call) otherwise. The default leaves out
    /// what is besides.
    fn on_call_with(&self, event: &CallEvent, beside: &Beside, may_wait: bool) -> bool {
        let _ = beside;
        if may_wait {
            self.on_call(event);
            return true;
        }
        self.try_on_call(event)
    }

    /// Whether [`on_start`](Self::on_start) is to be asked before each call.
    fn is_strict(&self) -> bool {
        false
    }

    /// Answers for a call before it begins: after `Ok`, its event will be on
    /// record whatever becomes of the call and of this process. `start` is the
    /// call's event as far as it is known; its outcome and its duration do not
    /// matter. It may wait for I/O.
    ///
    /// Each start is followed by the [`on_call`](Self::on_call) of one event
    /// with the same `call_id`, also one that was refused, unless the refusal
    /// was [`AuditError::AlreadyStarted`]. The default is for a sink that is not
    /// strict.
    ///
    /// # Errors
    /// The sink cannot answer for the call, which must not begin then.
    fn on_start(&self, start: &CallEvent) -> Result<(), AuditError> {
        let _ = start;
        Ok(())
    }

    /// Events lost so far: given to [`on_call`](Self::on_call) and not known to
    /// be on record. The default is for a sink that loses none.
    fn drops(&self) -> u64 {
        0
    }

    /// How the sink stands. The default knows of nothing but
    /// [`drops`](Self::drops).
    fn health(&self) -> Health {
        Health {
            lost: self.drops(),
            ..Health::default()
        }
    }

    /// Waits, at most for `timeout`, until every event taken before the call is
    /// on record or counted as lost. It blocks the calling thread. The default
    /// is for a sink that keeps nothing back.
    ///
    /// # Errors
    /// [`AuditError::TimedOut`] and [`AuditError::WriteFailed`] say how many
    /// events are not on record. An event that was never taken is counted in
    /// [`drops`](Self::drops) and is no error here.
    fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
        let _ = timeout;
        Ok(())
    }
}

/// A pointer to a sink is that sink. Every method is handed on: one that were
/// not would answer with the trait's default.
macro_rules! hand_on_from {
    ($pointer:ident) => {
        impl<S: AuditSink + ?Sized> AuditSink for $pointer<S> {
            fn on_call(&self, event: &CallEvent) {
                (**self).on_call(event);
            }

            fn try_on_call(&self, event: &CallEvent) -> bool {
                (**self).try_on_call(event)
            }

            fn may_wait(&self) -> bool {
                (**self).may_wait()
            }

            fn wants(&self) -> BesideFields {
                (**self).wants()
            }

            fn on_call_with(&self, event: &CallEvent, beside: &Beside, may_wait: bool) -> bool {
                (**self).on_call_with(event, beside, may_wait)
            }

            fn is_strict(&self) -> bool {
                (**self).is_strict()
            }

            fn on_start(&self, start: &CallEvent) -> Result<(), AuditError> {
                (**self).on_start(start)
            }

            fn drops(&self) -> u64 {
                (**self).drops()
            }

            fn health(&self) -> Health {
                (**self).health()
            }

            fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
                (**self).flush(timeout)
            }
        }
    };
}

hand_on_from!(Arc);
hand_on_from!(Box);
