//! `tracing` as people use it: an event with the record's fields, the JSON
//! form of `tracing-subscriber`, and the lossless writer below it.

use std::path::Path;

use anyhow::Result;
use ours::audit::CallEvent;
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing_appender::non_blocking::WorkerGuard;

use super::{Producer, Sink, appender, event};

pub(super) struct TracingEvents {
    dispatch: Dispatch,
    guard: WorkerGuard,
    event: CallEvent,
}

impl TracingEvents {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let (writer, guard) = appender::lossless(file)?;
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(writer)
            .finish();
        Ok(Self {
            dispatch: Dispatch::new(subscriber),
            guard,
            event: event::ours(),
        })
    }
}

impl Sink for TracingEvents {
    /// The subscriber is this thread's until the producer is dropped.
    fn producer(&self) -> Producer<'_> {
        let default: DefaultGuard = dispatcher::set_default(&self.dispatch);
        Box::new(move || {
            let _default = &default;
            report(&self.event);
        })
    }

    /// Dropping the guard writes out what is queued.
    fn finish(self: Box<Self>) -> Result<()> {
        drop(self.guard);
        Ok(())
    }
}

/// The time is the subscriber's own, as it always is with `tracing`.
fn report(event: &CallEvent) {
    tracing::info!(
        call_id = event.call_id,
        tool_id = event.tool_id,
        caller_id = event.caller_id,
        granted_capabilities = ?event.granted_capabilities,
        duration_ms = event.duration_ms,
        outcome = ?event.outcome,
        tier = event.tier,
        dry_run = event.dry_run,
        schema_version = event.schema_version,
        secrets_resolved = event.secrets_resolved,
        cursor_page = event.cursor_page,
    );
}
