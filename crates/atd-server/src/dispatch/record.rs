//! The one audit record that every call leaves.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use atd_audit::{CallEvent, OUTCOME_UNKNOWN, Outcome, SCHEMA_VERSION, write_rfc3339};
use atd_proto::{Tier, TraceParent};
use atd_registry::{CallId, RegisteredTool};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;

use crate::clock;
use crate::metrics::CallEnding;
use crate::middleware::CallInfo;
use crate::session::{EndReason, Session};

use super::Dispatcher;
use super::besides::Besides;
use super::recording::{Audit, Entry, Starting};
use super::{span, spare};

/// The record of a call under way. It is written by [`end`](Self::end), and by
/// the drop of a call that never came so far: a client that left, a shutdown.
pub(super) struct Record<'a> {
    dispatcher: &'a Dispatcher,
    session: &'a Session,
    pub(super) call_id: CallId,
    /// Since 1970. The wall's clock may be set while the call runs.
    began: Duration,
    pub(super) started: Instant,
    pub(super) span: Span,
    tool_id: String,
    dry_run: bool,
    tool: Option<&'a Arc<RegisteredTool>>,
    pub(super) secrets_resolved: bool,
    /// What the sink wants to know besides.
    pub(super) beside: Besides,
    /// A strict sink was asked to answer for the call, and has not yet.
    pub(super) starting: Option<Starting>,
    /// Which page of a result it is for, where there is more than one.
    pub(super) cursor_page: Option<u32>,
    /// The call came as far as its tool.
    pub(super) entered: bool,
    written: bool,
}

/// Whether a call's answer waits until the sink has the call's event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Waits,
    /// It says that there is no audit.
    DoesNotWait,
}

impl<'a> Record<'a> {
    /// The record of a call of `tool`, which is what the registry has under the
    /// id that was asked for.
    pub(super) fn begin(
        dispatcher: &'a Dispatcher,
        session: &'a Session,
        tool: Option<&'a Arc<RegisteredTool>>,
        tool_id: String,
        dry_run: bool,
        trace: Option<TraceParent>,
    ) -> Self {
        let started = clock::now();
        let began = clock::wall_at(started);
        let call_id = CallId::generate_at(began);
        if let Some(tool) = tool {
            dispatcher.metrics.tools.begun(tool);
        }
        let mut beside = Besides::wanted_by(dispatcher.audit.as_ref());
        beside.part_of(trace);
        Self {
            dispatcher,
            session,
            call_id,
            began,
            started,
            span: span::of(call_id, &tool_id, dry_run, session.identity(), trace),
            tool_id,
            dry_run,
            tool,
            secrets_resolved: false,
            beside,
            starting: None,
            cursor_page: None,
            entered: false,
            written: false,
        }
    }

    /// The tool that the call is for, if there is one.
    pub(super) fn tool(&self) -> Option<&'a Arc<RegisteredTool>> {
        self.tool
    }

    /// The connection that the call came on.
    pub(super) fn session(&self) -> &'a Session {
        self.session
    }

    /// What a middleware sees of the call.
    pub(super) fn info(&self) -> CallInfo<'_> {
        CallInfo {
            call_id: self.call_id,
            tool_id: &self.tool_id,
            definition: self.tool.map(|tool| tool.definition()),
            identity: self.session.identity(),
            dry_run: self.dry_run,
        }
    }

    /// The event of the call as far as it is known before it begins.
    pub(super) fn start(&self) -> Box<CallEvent> {
        let outcome = Outcome::ExecutionFailed {
            code: OUTCOME_UNKNOWN.to_owned(),
            retryable: false,
        };
        self.event(outcome, self.took())
    }

    /// The call has ended so. Where the sink has no room, what is returned ends
    /// when it has the event, and no async worker waits with it: the event is
    /// on its way, whatever becomes of who waits for it.
    pub(super) fn end(
        &mut self,
        outcome: Outcome,
        ending: CallEnding,
        answer: Answer,
    ) -> Option<oneshot::Receiver<()>> {
        let (dispatcher, took) = (self.dispatcher, self.took());
        let Some(audit) = &dispatcher.audit else {
            self.close(ending, took);
            return None;
        };
        let entry = self.entry(audit, outcome, took);
        let starting = self.starting.take();
        self.close(ending, took);
        match answer {
            Answer::DoesNotWait => {
                dispatcher.record_refusal(audit, entry, starting);
                None
            }
            Answer::Waits => dispatcher.record(audit, entry, starting),
        }
    }

    /// The tool's id, for the answer. The record needs it no more.
    pub(super) fn take_tool_id(&mut self) -> String {
        std::mem::take(&mut self.tool_id)
    }

    fn entry(&self, audit: &Audit, outcome: Outcome, took: Duration) -> Entry {
        Entry {
            event: self.event(outcome, took),
            beside: self.beside.told(audit, self.session.identity()),
        }
    }

    /// How long the call has been under way.
    fn took(&self) -> Duration {
        clock::now() - self.started
    }

    fn close(&mut self, how: CallEnding, took: Duration) {
        self.written = true;
        span::ended(&self.span, how, took);
        let tools = &self.dispatcher.metrics.tools;
        match self.tool {
            Some(tool) => tools.ended(tool, how, self.entered.then_some(took)),
            None => tools.ended_without_tool(how),
        }
    }

    fn event(&self, outcome: Outcome, took: Duration) -> Box<CallEvent> {
        let identity = self.session.identity();
        let tier = self
            .tool
            .map_or(Tier::default(), |tool| tool.definition().effective_tier());
        let mut event = spare::take();
        // Field by field, so that none is left of another call.
        let CallEvent {
            ts,
            call_id,
            tool_id,
            caller_id,
            granted_capabilities,
            duration_ms,
            outcome: how,
            tier: ran_under,
            dry_run,
            schema_version,
            secrets_resolved,
            cursor_page,
        } = &mut *event;
        write_rfc3339(ts, UNIX_EPOCH + self.began);
        self.call_id.write(call_id);
        tool_id.clone_from(&self.tool_id);
        match identity.caller_id() {
            Some(id) => write(caller_id.get_or_insert_default(), id),
            None => *caller_id = None,
        }
        identity
            .capabilities()
            .as_slice()
            .clone_into(granted_capabilities);
        *duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        *how = outcome;
        write(ran_under, tier.as_str());
        *dry_run = self.dry_run;
        *schema_version = SCHEMA_VERSION;
        *secrets_resolved = self.secrets_resolved;
        *cursor_page = self.cursor_page;
        event
    }
}

/// Puts `new` in the place of what is in `text`.
fn write(text: &mut String, new: &str) {
    text.clear();
    text.push_str(new);
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if self.written {
            return;
        }
        let (code, retryable, ending) = match self.session.phase().end_reason() {
            EndReason::ClientGone => ("CLIENT_GONE", false, CallEnding::ClientGone),
            EndReason::ShutDown => ("SHUT_DOWN", true, CallEnding::ShutDown),
            EndReason::Dropped => ("DROPPED", true, CallEnding::Other),
        };
        let took = self.took();
        if let Some(audit) = &self.dispatcher.audit {
            let outcome = Outcome::ExecutionFailed {
                code: code.to_owned(),
                retryable,
            };
            let entry = self.entry(audit, outcome, took);
            // Nobody waits for it; the shutdown does.
            drop(self.dispatcher.record(audit, entry, self.starting.take()));
        }
        self.close(ending, took);
    }
}
