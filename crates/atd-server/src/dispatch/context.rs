//! What a running call knows of itself, and how it learns of its end.

use std::pin::pin;

use atd_gate::Permit;
use atd_proto::{Tier, ToolDefinition};
use atd_registry::{
    CallContext, CallSetup, ConnectionState, Held, ProgressReporter, RegisteredTool, SecretBundle,
};
use tokio::time::{Instant, timeout_at};

use super::Dispatcher;
use super::error::CallError;
use super::record::Record;
use crate::tier::TierLimits;

impl Dispatcher {
    pub(super) fn context(
        &self,
        record: &Record<'_>,
        limits: TierLimits,
        secrets: Option<SecretBundle>,
        hold: Hold,
    ) -> Context {
        let info = record.info();
        let call = CallContext::new(CallSetup {
            call_id: record.call_id,
            caller_id: info.identity.caller_id().cloned(),
            capabilities: info.identity.capabilities().clone(),
            tier: info
                .definition
                .map_or(Tier::default(), ToolDefinition::effective_tier),
            deadline: record.started + limits.timeout,
            output_budget: limits.output_bytes,
            working_dir: self.working_dir.clone(),
            secrets,
            dry_run: info.dry_run,
            progress: ProgressReporter::default(),
            state: ConnectionState::default(),
            page_state: None,
            held: hold.with_the_work,
        });
        Context {
            call,
            _permit: hold.with_the_call,
        }
    }
}

/// Who holds a call's place among those of its tool: the call, or the work
/// that may go on after it.
pub(super) struct Hold {
    with_the_call: Option<Permit>,
    with_the_work: Option<Held>,
}

impl Hold {
    pub(super) fn of(permit: Permit, tool: &RegisteredTool) -> Self {
        if tool.binding().may_outlive_its_call() {
            Self {
                with_the_call: None,
                with_the_work: Some(Held::new(permit)),
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
pub(super) struct Context {
    pub(super) call: CallContext,
    _permit: Option<Permit>,
}

impl Drop for Context {
    fn drop(&mut self) {
        self.call.end();
    }
}

/// Runs the tool until its deadline. Then it is told before it is dropped.
pub(super) async fn in_time<T>(
    deadline: Instant,
    limits: TierLimits,
    ctx: &Context,
    work: impl Future<Output = T>,
) -> Result<T, CallError> {
    let mut work = pin!(work);
    let ended = timeout_at(deadline, work.as_mut()).await;
    ended.map_err(|_| {
        ctx.call.end();
        CallError::DeadlineExceeded {
            limit: limits.timeout,
        }
    })
}
