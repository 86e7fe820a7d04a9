//! Ours, which waits for room.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ours::audit::{AuditSink, Backpressure, CallEvent, JsonLinesAuditSink};

use super::{Producer, QUEUE, Sink, event};

/// Far longer than any file takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Ours {
    sink: JsonLinesAuditSink,
    event: CallEvent,
}

impl Ours {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let sink = JsonLinesAuditSink::builder()
            .capacity(QUEUE)
            .backpressure(Backpressure::Block { at_most: None });
        Ok(Self {
            sink: sink.file(file)?,
            event: event::ours(),
        })
    }
}

impl Sink for Ours {
    fn producer(&self) -> Producer<'_> {
        Box::new(|| self.sink.on_call(&self.event))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(self.sink.shutdown(PATIENCE)?)
    }
}
