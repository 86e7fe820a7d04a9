//! The published sink, which waits for room.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, ensure};
use their_runtime::audit::BackpressureStrategy;
use their_runtime::{AuditSink, CallEvent, JsonLinesAuditSink};

use super::{Producer, QUEUE, Sink, event};

pub(super) struct Theirs {
    sink: JsonLinesAuditSink,
    event: CallEvent,
}

impl Theirs {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let file = File::options().append(true).create(true).open(file)?;
        let block = BackpressureStrategy::Block;
        Ok(Self {
            sink: JsonLinesAuditSink::with_strategy(Box::new(file), QUEUE, block),
            event: event::theirs()?,
        })
    }
}

impl Sink for Theirs {
    fn producer(&self) -> Producer<'_> {
        Box::new(|| self.sink.on_call(&self.event))
    }

    /// Dropping it joins its thread.
    fn finish(self: Box<Self>) -> Result<()> {
        ensure!(self.sink.drops() == 0, "it says that it dropped events");
        Ok(())
    }
}
