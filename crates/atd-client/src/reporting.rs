//! Calls whose progress somebody wants to hear.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use atd_proto::Progress;
use futures_core::Stream;

use crate::{call::CallOutcome, error::ClientError};

/// A call under way that tells how far it has come, made by
/// [`Client::call_with_progress`](crate::Client::call_with_progress).
///
/// It is a stream of [`Progress`] that ends when the call does. Of reports that
/// come faster than they are taken, the latest is kept. A server or a tool that
/// tells nothing makes a stream without items. The call is sent when the stream
/// or the outcome is first awaited; dropped before its end, it is cancelled.
///
/// ```no_run
/// use atd_client::{CallOptions, Client};
///
/// # async fn example(client: Client) -> Result<(), atd_client::ClientError> {
/// let args = serde_json::json!({"files": 100});
/// let mut call = client.call_with_progress("demo:files.copy", &args, CallOptions::new())?;
/// while let Some(progress) = call.progress().await {
///     println!("{} of {:?}", progress.done, progress.total);
/// }
/// let outcome = call.outcome().await?;
/// # Ok(()) }
/// ```
pub struct ReportingCall {
    state: State,
    reports: Arc<Reports>,
}

type Calling = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Outcome = Result<CallOutcome, ClientError>;

enum State {
    Running(Calling),
    Ended(Outcome),
}

impl ReportingCall {
    pub(crate) fn new(
        reports: Arc<Reports>,
        call: impl Future<Output = Outcome> + Send + 'static,
    ) -> Self {
        Self {
            state: State::Running(Box::pin(call)),
            reports,
        }
    }

    /// The next report, or `None` when the call has ended. May be dropped and
    /// called again.
    pub async fn progress(&mut self) -> Option<Progress> {
        poll_fn(|cx| self.poll_progress(cx)).await
    }

    /// What came of the call. Reports that were not taken are left.
    ///
    /// # Errors
    /// As [`Client::call`](crate::Client::call).
    pub async fn outcome(self) -> Result<CallOutcome, ClientError> {
        match self.state {
            State::Running(call) => call.await,
            State::Ended(outcome) => outcome,
        }
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        // Before the look at the reports: the last of them comes before the end.
        if let State::Running(call) = &mut self.state
            && let Poll::Ready(outcome) = call.as_mut().poll(cx)
        {
            self.state = State::Ended(outcome);
        }
        match (self.reports.take(cx.waker()), &self.state) {
            (None, State::Running(_)) => Poll::Pending,
            (report, _) => Poll::Ready(report),
        }
    }
}

impl Stream for ReportingCall {
    type Item = Progress;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.get_mut().poll_progress(cx)
    }
}

impl fmt::Debug for ReportingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportingCall")
            .field("ended", &matches!(self.state, State::Ended(_)))
            .finish_non_exhaustive()
    }
}

/// The latest report that nobody has taken yet.
#[derive(Default)]
pub(crate) struct Reports(Mutex<(Option<Progress>, Option<Waker>)>);

impl Reports {
    pub(crate) fn report(&self, progress: Progress) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 = Some(progress);
        let waker = kept.1.take();
        drop(kept);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The report, or word to `waker` when there is one.
    fn take(&self, waker: &Waker) -> Option<Progress> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.is_none() {
            kept.1 = Some(waker.clone());
        }
        kept.0.take()
    }
}
