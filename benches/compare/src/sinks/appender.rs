//! `tracing-appender` at its leanest: the event as JSON, given as one line to
//! its non-blocking writer, which waits for room.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};
use ours::audit::CallEvent;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::{Producer, QUEUE, Sink, event};

pub(super) struct Appender {
    writer: NonBlocking,
    guard: WorkerGuard,
    event: CallEvent,
}

/// A writer onto that file that loses nothing, and what ends it.
pub(super) fn lossless(file: &Path) -> Result<(NonBlocking, WorkerGuard)> {
    let file = File::options().append(true).create(true).open(file)?;
    let builder = NonBlockingBuilder::default().lossy(false);
    Ok(builder.buffered_lines_limit(QUEUE).finish(file))
}

impl Appender {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let (writer, guard) = lossless(file)?;
        Ok(Self {
            writer,
            guard,
            event: event::ours(),
        })
    }
}

impl Sink for Appender {
    #[expect(
        clippy::expect_used,
        reason = "a line that could not be made or given away is lost, and the measuring over"
    )]
    fn producer(&self) -> Producer<'_> {
        let (mut writer, mut line) = (self.writer.clone(), Vec::new());
        Box::new(move || {
            line.clear();
            serde_json::to_writer(&mut line, &self.event).expect("an event has a JSON form");
            line.push(b'\n');
            writer.write_all(&line).expect("its thread lives");
        })
    }

    /// Dropping the guard writes out what is queued.
    fn finish(self: Box<Self>) -> Result<()> {
        drop(self.guard);
        let dropped = self.writer.error_counter().dropped_lines();
        ensure!(dropped == 0, "it says that it dropped {dropped} lines");
        Ok(())
    }
}
