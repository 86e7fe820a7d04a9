//! Events as events of `tracing`.

use crate::{AuditSink, CallEvent, Outcome};

/// Makes an event of `tracing` of each call, under the target `atd::audit`, for
/// a subscriber to format, to filter and to send on: `info` for a call that
/// succeeded, `warn` for every other.
///
/// The fields are those of [`CallEvent`], `outcome` being the outcome's kind
/// and `outcome.code` its code, where it has one. Whether anything is on record
/// is up to the subscriber, and nothing is counted as lost here.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingAuditSink {
    _private: (),
}

impl TracingAuditSink {
    /// A sink for the subscriber that is set where
    /// [`on_call`](AuditSink::on_call) is called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

macro_rules! emit {
    ($level:ident, $event:expr, $kind:expr, $code:expr) => {
        tracing::$level!(
            target: "atd::audit",
            ts = ?$event.ts,
            call_id = ?$event.call_id,
            tool_id = ?$event.tool_id,
            caller_id = $event.caller_id.as_ref().map(tracing::field::debug),
            granted_capabilities = ?$event.granted_capabilities,
            duration_ms = $event.duration_ms,
            outcome = $kind,
            outcome.code = $code,
            tier = ?$event.tier,
            dry_run = $event.dry_run,
            secrets_resolved = $event.secrets_resolved,
            cursor_page = $event.cursor_page,
        )
    };
}

impl AuditSink for TracingAuditSink {
    fn on_call(&self, event: &CallEvent) {
        // Texts go out as `Debug` has them: no newline of a client's makes a
        // line in somebody's log.
        match &event.outcome {
            Outcome::Success => emit!(info, event, "success", None::<&str>),
            Outcome::ExecutionFailed { code, .. } => {
                emit!(
                    warn,
                    event,
                    "execution_failed",
                    Some(code.escape_debug().to_string())
                );
            }
            Outcome::InvalidArgs { .. } => emit!(warn, event, "invalid_args", None::<&str>),
            Outcome::CapabilityDenied { .. } => {
                emit!(warn, event, "capability_denied", None::<&str>);
            }
            Outcome::RateLimited { .. } => emit!(warn, event, "rate_limited", None::<&str>),
            Outcome::ToolNotFound => emit!(warn, event, "tool_not_found", None::<&str>),
        }
    }
}
