//! The one audit record that every call leaves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use atd_audit::{AuditSink, CallEvent, Outcome, SCHEMA_VERSION, now_rfc3339};
use atd_proto::Tier;
use atd_registry::{CallId, RegisteredTool};
use tokio::time::Instant;

use crate::clock;
use crate::metrics::Metrics;
use crate::middleware::CallInfo;
use crate::session::{EndReason, Session};

/// The record of a call under way. It is written by [`end`](Self::end), and by
/// the drop of a call that never came so far: a client that left, a shutdown.
pub(super) struct Record<'a> {
    audit: Option<&'a dyn AuditSink>,
    metrics: &'a Metrics,
    session: &'a Session,
    pub(super) call_id: CallId,
    pub(super) started: Instant,
    tool_id: String,
    dry_run: bool,
    tool: Option<Arc<RegisteredTool>>,
    pub(super) secrets_resolved: bool,
    written: bool,
}

impl<'a> Record<'a> {
    pub(super) fn begin(
        audit: Option<&'a dyn AuditSink>,
        metrics: &'a Metrics,
        session: &'a Session,
        tool_id: String,
        dry_run: bool,
    ) -> Self {
        metrics.calls.add_one();
        Self {
            audit,
            metrics,
            session,
            call_id: CallId::generate(),
            started: clock::now(),
            tool_id,
            dry_run,
            tool: None,
            secrets_resolved: false,
            written: false,
        }
    }

    /// The call found its tool.
    pub(super) fn found(&mut self, tool: &Arc<RegisteredTool>) {
        self.tool = Some(tool.clone());
    }

    /// What a middleware sees of the call.
    pub(super) fn info(&self) -> CallInfo<'_> {
        CallInfo {
            call_id: self.call_id,
            tool_id: &self.tool_id,
            definition: self.tool.as_ref().map(|tool| tool.definition()),
            identity: self.session.identity(),
            dry_run: self.dry_run,
        }
    }

    /// The call has ended so. Gives the tool's id back.
    pub(super) fn end(mut self, outcome: Outcome) -> String {
        let tool_id = if self.audit.is_some() {
            self.tool_id.clone()
        } else {
            std::mem::take(&mut self.tool_id)
        };
        self.write(outcome);
        tool_id
    }

    fn write(&mut self, outcome: Outcome) {
        self.written = true;
        self.metrics.calls_ended.add_one();
        let Some(audit) = self.audit else {
            return;
        };
        let identity = self.session.identity();
        let tier = self
            .tool
            .as_ref()
            .map_or(Tier::default(), |tool| tool.definition().effective_tier());
        let event = CallEvent {
            ts: now_rfc3339(),
            call_id: self.call_id.to_string(),
            tool_id: std::mem::take(&mut self.tool_id),
            caller_id: identity.caller_id().map(ToString::to_string),
            granted_capabilities: identity.capabilities().as_slice().to_vec(),
            duration_ms: u64::try_from((clock::now() - self.started).as_millis())
                .unwrap_or(u64::MAX),
            outcome,
            tier: tier.as_str().to_owned(),
            dry_run: self.dry_run,
            schema_version: SCHEMA_VERSION,
            secrets_resolved: self.secrets_resolved,
            cursor_page: None,
        };
        // This may run in the drop of a call that is unwinding.
        if catch_unwind(AssertUnwindSafe(|| audit.on_call(&event))).is_err() {
            tracing::error!(call_id = %self.call_id, "the audit sink panicked");
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if self.written {
            return;
        }
        let (code, retryable) = match self.session.ending().reason() {
            EndReason::ClientGone => ("CLIENT_GONE", false),
            EndReason::ShutDown => ("SHUT_DOWN", true),
        };
        self.write(Outcome::ExecutionFailed {
            code: code.to_owned(),
            retryable,
        });
    }
}
