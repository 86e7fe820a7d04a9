//! Events to write and writers to write them to.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use atd_audit::{CallEvent, JsonLinesAuditSink, Outcome, SCHEMA_VERSION};

/// Long enough for anything that is not stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn event(tool_id: &str) -> CallEvent {
    CallEvent {
        ts: "2025-06-15T15:06:40.000042Z".to_owned(),
        call_id: "01JZ8Y4T6N3V5Q2M7K9R1B0C4D".to_owned(),
        tool_id: tool_id.to_owned(),
        caller_id: Some("alice".to_owned()),
        granted_capabilities: vec!["fs:read".to_owned(), "fs:list".to_owned()],
        duration_ms: 12,
        outcome: Outcome::Success,
        tier: "hot".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}

/// The lines of `bytes`, of which every one must be an event.
pub(crate) fn events(bytes: &[u8]) -> Vec<CallEvent> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line is torn"
    );
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// `queued`, `written` and `lost` of a sink.
pub(crate) fn account(sink: &JsonLinesAuditSink) -> (u64, u64, u64) {
    let health = sink.health();
    assert_eq!(health.lost, sink.drops());
    (health.queued, health.written, health.lost)
}

/// Keeps what is written, and each `write` apart.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<Vec<u8>>>>);

impl Paper {
    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.writes().concat()
    }

    /// What is written so far; the paper is empty then.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap()).concat()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The test's end of a [`GatedWriter`], which is let through when this is
/// dropped.
pub(crate) struct Gate {
    entered: Receiver<()>,
    _closed: Sender<()>,
}

impl Gate {
    /// Waits until the writer stands before the gate.
    pub(crate) fn wait_for_writer(&self) {
        self.entered.recv_timeout(PATIENCE).unwrap();
    }

    /// Lets every `write` through from now on.
    pub(crate) fn open(self) {
        drop(self);
    }
}

/// Stops in each `write` until its [`Gate`] is opened.
pub(crate) struct GatedWriter {
    paper: Paper,
    entered: Sender<()>,
    opened: Receiver<()>,
}

pub(crate) fn gated() -> (Gate, Paper, Box<GatedWriter>) {
    let paper = Paper::default();
    let (has_entered, entered) = mpsc::channel();
    let (closed, opened) = mpsc::channel();
    let writer = GatedWriter {
        paper: paper.clone(),
        entered: has_entered,
        opened,
    };
    let gate = Gate {
        entered,
        _closed: closed,
    };
    (gate, paper, Box::new(writer))
}

impl Write for GatedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Both fail once the gate is open. A test that fails before it opens
        // the gate is not to hang.
        let _ = self.entered.send(());
        let _ = self.opened.recv_timeout(PATIENCE);
        self.paper.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
