//! Each call as a span of `tracing`.

use std::pin::Pin;
use std::time::Duration;

use atd_gate::Identity;
use atd_proto::TraceParent;
use atd_registry::CallId;
use tracing::Span;
use tracing::field::Empty;

use crate::metrics::CallEnding;
use crate::text::shown;

/// The span of a call, whose fields the crate's documentation lists; none, and
/// nothing is made for it, where no subscriber wants it.
pub(super) fn of(
    call_id: CallId,
    tool_id: &str,
    dry_run: bool,
    identity: &Identity,
    trace: Option<TraceParent>,
) -> Span {
    tracing::info_span!(
        target: "atd::call",
        "call",
        call_id = %call_id,
        // Texts of the client's are escaped for subscribers that do not.
        tool_id = shown(tool_id),
        caller_id = identity.caller_id().map(|caller| shown(caller)),
        dry_run,
        trace_id = trace.as_ref().map(TraceParent::trace_id),
        parent_id = trace.as_ref().map(TraceParent::parent_id),
        outcome = Empty,
        duration_us = Empty,
    )
}

/// Does the work of a call in its span.
pub(super) fn within<T>(
    span: &Span,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = T> {
    std::future::poll_fn(move |cx| span.in_scope(|| work.as_mut().poll(cx)))
}

/// The call has ended: one event, for those who look at no span.
pub(super) fn ended(span: &Span, how: CallEnding, took: Duration) {
    if span.is_disabled() {
        return;
    }
    let outcome = how.as_str();
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    span.record("outcome", outcome);
    span.record("duration_us", duration_us);
    tracing::info!(target: "atd::call", parent: span, outcome, duration_us, "the call has ended");
}
