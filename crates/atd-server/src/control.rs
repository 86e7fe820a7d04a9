//! What whoever asked for a call may do while it runs.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use atd_proto::Progress;
use atd_registry::ProgressReporter;
use tokio::sync::Notify;

/// Ends a call early, and hears how far it has come. Clones are one.
///
/// A transport makes one for each call that it may want to end, and passes it
/// with the request.
#[derive(Clone, Default)]
pub struct CallControl(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    reason: AtomicU8,
    stopped: Notify,
    progress: ProgressReporter,
}

/// Why a call is ended before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The caller asked for it.
    Cancelled,
    /// The client has left.
    ClientGone,
    /// The server shuts down, and the call did not end in the time it had.
    ShutDown,
}

impl CallControl {
    /// A control of a call whose progress nobody hears.
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// A control of a call whose progress goes to `listener`. It is called on
    /// the tool's thread and should return at once.
    pub fn with_progress(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Shared {
            progress: ProgressReporter::new(listener),
            ..Shared::default()
        })))
    }

    /// For a call that runs until it is done, or its future is dropped.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Ends the call. Its cancellation token fires; where the tool watches
    /// that, it has a short grace to tidy up, and then it is dropped. The first
    /// reason stays. A call that has not begun is then not begun.
    pub fn stop(&self, reason: StopReason) {
        let Some(shared) = &self.0 else {
            return;
        };
        let number = match reason {
            StopReason::Cancelled => 1,
            StopReason::ClientGone => 2,
            StopReason::ShutDown => 3,
        };
        // It has a reason already, and was woken for it.
        let _ = shared
            .reason
            .compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire);
        shared.stopped.notify_waiters();
    }

    /// Why the call is to end, if it is.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        match self.0.as_ref()?.reason.load(Ordering::Acquire) {
            1 => Some(StopReason::Cancelled),
            2 => Some(StopReason::ClientGone),
            3 => Some(StopReason::ShutDown),
            _ => None,
        }
    }

    /// Waits until the call is to end.
    pub(crate) async fn stopped(&self) -> StopReason {
        let Some(shared) = &self.0 else {
            return std::future::pending().await;
        };
        loop {
            let mut woken = pin!(shared.stopped.notified());
            // From here on no wake-up is missed.
            woken.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            woken.await;
        }
    }

    pub(crate) fn progress(&self) -> ProgressReporter {
        self.0
            .as_ref()
            .map(|shared| shared.progress.clone())
            .unwrap_or_default()
    }
}

impl fmt::Debug for CallControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallControl")
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}
