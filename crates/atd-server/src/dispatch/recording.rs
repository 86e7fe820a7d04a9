//! How events get to the sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use atd_audit::{AuditSink, CallEvent};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Dispatcher;

impl Dispatcher {
    /// Gives an event to the sink if that needs no waiting; false when it does.
    pub(super) fn hand_over(&self, event: &CallEvent) -> bool {
        let Some(sink) = &self.audit else {
            return true;
        };
        // This may run in the drop of a call that is unwinding.
        let taken = catch_unwind(AssertUnwindSafe(|| sink.try_on_call(event)));
        taken.unwrap_or_else(|panic| {
            std::mem::forget(panic);
            self.metrics.audit_panics.add_one();
            tracing::error!(call_id = event.call_id, "the audit sink panicked");
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

    /// Gives an event to a sink that has to be waited for, away from the async
    /// workers. It is on its way even if what is returned is dropped.
    pub(super) fn wait_to_hand_over(
        &self,
        sink: Arc<dyn AuditSink>,
        event: CallEvent,
    ) -> oneshot::Receiver<()> {
        let (done, waited) = oneshot::channel();
        let hand_over = move || {
            if catch_unwind(AssertUnwindSafe(|| sink.on_call(&event))).is_err() {
                tracing::error!(call_id = event.call_id, "the audit sink panicked");
            }
            // Nobody may wait for it.
            let _ = done.send(());
        };
        match Handle::try_current() {
            Ok(runtime) => drop(self.handing_over.spawn_blocking_on(hand_over, &runtime)),
            // Without a runtime there is no worker to hold up.
            Err(_) => hand_over(),
        }
        waited
    }
}
