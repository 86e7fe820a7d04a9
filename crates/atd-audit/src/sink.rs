//! Where events go.

use std::{sync::Arc, time::Duration};

use crate::{AuditError, CallEvent, Health};

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

impl<S: AuditSink + ?Sized> AuditSink for Arc<S> {
    fn on_call(&self, event: &CallEvent) {
        (**self).on_call(event);
    }

    fn try_on_call(&self, event: &CallEvent) -> bool {
        (**self).try_on_call(event)
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

impl<S: AuditSink + ?Sized> AuditSink for Box<S> {
    fn on_call(&self, event: &CallEvent) {
        (**self).on_call(event);
    }

    fn try_on_call(&self, event: &CallEvent) -> bool {
        (**self).try_on_call(event)
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
