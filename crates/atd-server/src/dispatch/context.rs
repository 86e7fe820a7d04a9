//! What a running call knows of itself, and how it learns of its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use atd_gate::Permit;
use atd_proto::{Tier, ToolDefinition};
use atd_registry::{
    CallContext, CallSetup, Held, RegisteredTool, Reply, SecretBundle, ToolCallError,
};
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::Dispatcher;
use super::error::CallError;
use super::record::Record;
use crate::control::CallControl;
use crate::tier::TierLimits;

impl Dispatcher {
    pub(super) fn context<'a>(
        &'a self,
        record: &Record<'_>,
        control: &CallControl,
        given: Given,
        hold: Hold<'a>,
    ) -> Context<'a> {
        let info = record.info();
        let Given {
            limits,
            secrets,
            page_state,
        } = given;
        let call = CallContext::new(CallSetup {
            call_id: record.call_id,
            surroundings: record.session().surroundings().clone(),
            tier: info
                .definition
                .map_or(Tier::default(), ToolDefinition::effective_tier),
            deadline: record.started + limits.timeout,
            output_budget: limits.output_bytes,
            secrets,
            dry_run: info.dry_run,
            progress: self.progress(record, control),
            page_state,
            held: hold.with_the_work,
        });
        Context {
            call,
            _permit: hold.with_the_call,
        }
    }
}

/// What a call is given to run with.
pub(super) struct Given {
    pub(super) limits: TierLimits,
    pub(super) secrets: Option<SecretBundle>,
    pub(super) page_state: Option<Bytes>,
}

/// Who holds a call's place among those of its tool: the call, or the work
/// that may go on after it.
pub(super) struct Hold<'a> {
    with_the_call: Option<Permit<'a>>,
    with_the_work: Option<Held>,
}

impl<'a> Hold<'a> {
    pub(super) fn of(permit: Permit<'a>, tool: &RegisteredTool) -> Self {
        if tool.binding().may_outlive_its_call() {
            Self {
                with_the_call: None,
                with_the_work: Some(Held::new(permit.into_owned())),
            }
        } else {
            Self {
                with_the_call: Some(permit),
                with_the_work: None,
            }
        }
    }
}

/// A call's context, which learns of the call's end however it comes.
pub(super) struct Context<'a> {
    pub(super) call: CallContext,
    _permit: Option<Permit<'a>>,
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        self.call.end();
    }
}

/// How long a tool may run, and who may end it before.
pub(super) struct Time<'a> {
    pub(super) deadline: Instant,
    pub(super) limits: TierLimits,
    pub(super) control: &'a CallControl,
    pub(super) grace: Duration,
}

impl Time<'_> {
    /// Runs the tool until it is done, its time is up or it is stopped. It is
    /// told before it is dropped.
    pub(super) async fn run(
        &self,
        ctx: &Context<'_>,
        mut work: Pin<&mut impl Future<Output = Result<Reply, ToolCallError>>>,
    ) -> Result<Reply, CallError> {
        // Many tools are done at once, and need neither a timer nor its room.
        let at_once = poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
        match at_once.await {
            Poll::Ready(ended) => ended.map_err(CallError::from),
            Poll::Pending => Box::pin(self.go_on(ctx, work)).await,
        }
    }

    async fn go_on(
        &self,
        ctx: &Context<'_>,
        mut work: Pin<&mut impl Future<Output = Result<Reply, ToolCallError>>>,
    ) -> Result<Reply, CallError> {
        let reason = tokio::select! {
            biased;
            // Cancelled: polled on below, for the grace.
            ended = timeout_at(self.deadline, work.as_mut()) => {
                let Ok(ended) = ended else {
                    ctx.call.end();
                    let limit = self.limits.timeout;
                    return Err(CallError::DeadlineExceeded { limit });
                };
                return ended.map_err(CallError::from);
            }
            // Cancelled: nobody stops the call any more.
            reason = self.control.stopped() => reason,
        };
        ctx.call.end();
        if ctx.call.is_watched() {
            // Whatever it still returns, the call has ended already.
            let _ = timeout(self.grace, work).await;
        }
        Err(CallError::Stopped { reason })
    }
}

/// Does what comes before the tool, as long as nobody stops the call.
pub(super) async fn unless_stopped<T>(
    control: &CallControl,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        // Cancelled: dropped, and there is nothing to tidy up.
        done = work => done,
        // Cancelled: nobody stops the call any more.
        reason = control.stopped() => Err(CallError::Stopped { reason }),
    }
}

/// A call that was stopped before it began is not begun.
pub(super) fn not_stopped(control: &CallControl) -> Result<(), CallError> {
    control
        .reason()
        .map_or(Ok(()), |reason| Err(CallError::Stopped { reason }))
}

/// A tool that panics as it is dropped changes nothing of why it was.
pub(super) fn stopped_rather(control: &CallControl, error: CallError) -> CallError {
    match (control.reason(), error) {
        (Some(reason), CallError::Panicked { message }) => {
            tracing::error!(cause = ?message, "a tool panicked as its call was ended");
            CallError::Stopped { reason }
        }
        (_, error) => error,
    }
}
