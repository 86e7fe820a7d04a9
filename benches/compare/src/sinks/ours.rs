//! Ours, which waits for room.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ours::audit::{
    AuditSink, Backpressure, CallEvent, Chaining, Durability, JsonLinesAuditSink, JsonLinesBuilder,
};

use super::{Producer, QUEUE, Sink, event};

/// Far longer than any file takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Ours {
    sink: JsonLinesAuditSink,
    event: CallEvent,
}

impl Ours {
    pub(super) fn create(file: &Path) -> Result<Self> {
        Self::of(lossless(), file)
    }

    pub(super) fn chained(file: &Path) -> Result<Self> {
        Self::of(lossless().chain(Chaining::new()), file)
    }

    pub(super) fn synced(file: &Path) -> Result<Self> {
        Self::of(lossless().durability(Durability::Sync), file)
    }

    fn of(sink: JsonLinesBuilder, file: &Path) -> Result<Self> {
        Ok(Self {
            sink: sink.file(file)?,
            event: event::ours(),
        })
    }
}

fn lossless() -> JsonLinesBuilder {
    JsonLinesAuditSink::builder()
        .capacity(QUEUE)
        .backpressure(Backpressure::Block { at_most: None })
}

impl Sink for Ours {
    fn producer(&self) -> Producer<'_> {
        Box::new(|| self.sink.on_call(&self.event))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(self.sink.shutdown(PATIENCE)?)
    }
}
