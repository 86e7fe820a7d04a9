//! An audit sink on a real file.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atd_runtime::JsonLinesAuditSink;

/// Far longer than any file takes: whoever waits so long has found a defect.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sink that writes to a file, and the file.
///
/// A full queue drops, so a bench that is to lose nothing gives the sink at
/// most its capacity of events and then [`settle`](Self::settle)s.
#[derive(Debug)]
pub struct AuditFile {
    sink: Arc<JsonLinesAuditSink>,
    file: File,
}

impl AuditFile {
    /// A sink of so many places in its queue, on a new file at `path`.
    pub fn create(path: &Path, capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).expect("a capacity fits the memory");
        let builder = JsonLinesAuditSink::builder().capacity(capacity);
        let sink = builder.file(path).expect("a file can be made there");
        let file = OpenOptions::new().write(true).open(path);
        Self {
            sink: Arc::new(sink),
            file: file.expect("the sink has made the file"),
        }
    }

    /// The sink.
    pub fn sink(&self) -> &Arc<JsonLinesAuditSink> {
        &self.sink
    }

    /// Waits until the file has every event that the sink was given.
    pub fn settle(&self) {
        let settled = self.sink.flush(PATIENCE);
        settled.expect("the file takes every event");
    }

    /// Empties the file, so that hours of benching fill no disk. The sink
    /// appends, so it goes on at the beginning.
    pub fn clear(&self) {
        self.settle();
        self.file.set_len(0).expect("the file can be cut");
    }

    /// Ends the measuring: every event is on record, and there were some.
    ///
    /// # Panics
    /// When one was lost: what was measured is then not what it says.
    pub fn assert_lossless(&self) {
        self.settle();
        let health = self.sink.health();
        assert_eq!((health.lost, health.queued), (0, 0), "{health:?}");
        assert!(health.written > 0, "nothing was ever recorded");
    }
}
