//! A sink that writes each event as one line of JSON.

mod beside;
mod builder;
mod drain;
mod escape;
mod file;
mod journal;
mod line;
mod lines;
mod output;
mod queue;
mod seal;
mod taking;

use std::{
    fmt,
    io::{self, Write},
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle, ThreadId},
    time::Duration,
};

pub use self::builder::JsonLinesBuilder;
#[cfg(feature = "test-util")]
pub use self::file::{FileFaults, FileOperation};
use self::{
    drain::{Drain, Failed},
    journal::Journal,
    lines::Line,
    output::LineOutput,
    queue::Queue,
    seal::Sealing,
};
#[cfg(feature = "chain")]
use crate::Head;
#[cfg(feature = "sign")]
use crate::SigningKey;
use crate::{AuditError, Backpressure, BesideFields, Durability, Health};

/// How many events a [`JsonLinesAuditSink`] queues unless told otherwise.
pub const DEFAULT_AUDIT_QUEUE_CAPACITY: usize = 1024;

/// Writes each event as one JSON object on a line of its own.
///
/// [`on_call`](crate::AuditSink::on_call) makes the line on the calling thread and
/// queues it; a thread that the sink owns hands what has gathered to the writer,
/// 32 KiB with one `write` and one `flush`. So a call never waits for I/O, and
/// no async runtime is needed.
///
/// **Full queue.** An event that finds the queue full is dropped and counted,
/// unless [`Backpressure`] says otherwise. An event holds its place until it
/// is written, so at most the capacity's number of lines, each of at most
/// 64 KiB, is queued. They lie in two buffers, one that is filled and one that
/// is written, which grow by doubling; a chain has a third, and so have lines
/// that tell of losses. So up to seven times that is in memory for the moment in
/// which the longest lines fill the queue. Of a buffer over 1 MiB no more is kept
/// once less than a quarter of it was used.
///
/// **On record** means that the writer took the whole line and its `flush`
/// succeeded; where it is a file, the operating system has the line then.
/// [`Durability`] says what else it may mean. Events still queued when the
/// process is killed are gone, at most as many as the capacity, unless the
/// sink is [`Strict`](crate::Strict).
///
/// **Failing writer.** Whole lines that the writer took before it failed are
/// on record. The rest of that batch is lost and the next one tried afresh;
/// under [`Backpressure::Block`], and in a strict sink, the rest is tried
/// again, after pauses of at most 250 ms, until it is written or the sink
/// ended. After a torn line the next one begins with a newline of its own, so
/// that a fault spoils no line but the one it hit; a reader skips empty lines.
/// A writer that panics is a failing writer. When `flush` fails, the whole
/// batch counts as lost, though some of it may be on record. When events were
/// lost, for whatever reason, the next line that is written says how many:
/// `"lost_before":3`.
///
/// **Long events.** A line, its newline included, is at most 64 KiB. When an
/// event would pass that, its long strings are cut at the end, its long lists
/// keep their first elements, and the line says `"truncated":true`. No string
/// adds a line or a control character to the log: those are escaped, and so
/// are U+0085, U+2028 and U+2029.
///
/// **End.** Dropping the sink writes out what is queued before it returns,
/// however long the writer takes. [`shutdown`](Self::shutdown) does so with a
/// time limit. Neither happens by itself when the process exits.
pub struct JsonLinesAuditSink {
    queue: Arc<Queue>,
    backpressure: Backpressure,
    #[cfg(feature = "chain")]
    is_chained: bool,
    /// Whether a call waits until its event is on disk.
    waits_for_disk: bool,
    wanted: BesideFields,
    strict: Option<Starts>,
    #[cfg(feature = "sign")]
    signing: Option<SigningKey>,
    /// Which thread must not wait for the writer thread: that one itself.
    /// `None` when no thread could be started.
    writer_thread: Option<ThreadId>,
    /// Empty once `shutdown` has joined the thread or given it up.
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// How calls are started.
struct Starts {
    journal: Arc<Journal>,
    patience: Duration,
}

/// What the writer thread begins with.
struct Opened {
    output: LineOutput,
    sealing: Sealing,
    journal: Option<Arc<Journal>>,
    /// Events of calls that an earlier process began.
    recovered: Vec<Vec<u8>>,
    /// Whether writing works, if that is known.
    probed: io::Result<()>,
}

impl JsonLinesAuditSink {
    /// A sink over `writer` with room for [`DEFAULT_AUDIT_QUEUE_CAPACITY`]
    /// events.
    ///
    /// When the operating system has no thread to give, the sink counts every
    /// event as lost and keeps the error in [`health`](Self::health); to fail
    /// instead, use [`JsonLinesBuilder::writer`].
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self::new_with_capacity(writer, DEFAULT_AUDIT_QUEUE_CAPACITY)
    }

    /// As [`new`](Self::new), with room for `events` events; 0 is taken as 1.
    #[must_use]
    pub fn new_with_capacity(writer: Box<dyn Write + Send>, events: usize) -> Self {
        Self::builder()
            .capacity(events)
            .writer(writer)
            .unwrap_or_else(Self::without_writer)
    }

    /// A sink over the process's standard output; see [`new`](Self::new).
    ///
    /// A thread that holds [`StdoutLock`](io::StdoutLock) must not wait for
    /// the sink, which waits for that lock.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    /// A sink over the process's standard error; see
    /// [`stdout`](Self::stdout).
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Box::new(io::stderr()))
    }

    /// A sink that appends to the file at `path`, with the default capacity;
    /// see [`JsonLinesBuilder::file`].
    ///
    /// # Errors
    /// The file cannot be opened for appending, or no thread can be started.
    pub fn file(path: &Path) -> io::Result<Self> {
        Self::builder().file(path)
    }

    /// The options of a sink, each at its default.
    #[must_use]
    pub fn builder() -> JsonLinesBuilder {
        JsonLinesBuilder::default()
    }

    /// Events lost so far: refused by a full or ended queue, or not written.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.health().lost
    }

    /// How the sink stands, its last error included.
    #[must_use]
    pub fn health(&self) -> Health {
        self.queue.health()
    }

    /// Waits, at most for `timeout`, until every event given to the sink
    /// before the call is written or counted as lost.
    ///
    /// Called by the writer itself, from inside `write`, it does not wait.
    ///
    /// # Errors
    /// [`AuditError::TimedOut`] with the number of those events that are still
    /// queued; [`AuditError::WriteFailed`] with the number of events that the
    /// writer failed to write since such an error last told of any.
    pub fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
        self.queue.wait_until_settled(self.patience(timeout))
    }

    /// Ends the sink: takes no more events, writes out what is queued, drops
    /// the writer and joins the thread, for which it waits at most `timeout`.
    ///
    /// An event that comes later counts as lost. After a timeout the thread
    /// is given up: it still writes what is queued when its writer lets it,
    /// but dropping the sink no longer waits for it. Called by the writer
    /// itself, from inside `write`, it does not wait and gives nothing up.
    ///
    /// # Errors
    /// [`AuditError::TimedOut`] with the number of events still queued, which
    /// is 0 when the writer was merely being closed;
    /// [`AuditError::WriteFailed`] with the number of events that the writer
    /// failed to write since such an error last told of any.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), AuditError> {
        self.queue.close();
        let ended = self.queue.wait_until_gone(self.patience(timeout));
        if self.on_writer_thread() {
            return ended;
        }
        let handle = self
            .handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (Some(handle), false) = (handle, matches!(ended, Err(AuditError::TimedOut { .. }))) {
            // A panic of the thread is in the counters already.
            let _ = handle.join();
        }
        ended
    }

    /// Opens the log's file anew, where another one may be by now: for what
    /// renames the file of a running sink, such as logrotate. Everything taken
    /// before is written to the file that was open, unless that fails.
    ///
    /// # Errors
    /// [`AuditError::NotReopened`]: the old file is still written to.
    /// [`AuditError::TimedOut`]: the writer has not come so far yet.
    pub fn reopen(&self, timeout: Duration) -> Result<(), AuditError> {
        self.queue.reopen(self.patience(timeout))
    }

    /// Where the chain of what is on record stands, signed if the log is; `None`
    /// if nothing is on record or the log has no chain.
    ///
    /// Kept where whoever can change the log cannot, it shows later that no
    /// line up to now was changed or taken away.
    #[cfg(feature = "chain")]
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        #[cfg_attr(not(feature = "sign"), expect(unused_mut, reason = "nobody signs"))]
        let mut link = self.queue.head()?;
        #[cfg(feature = "sign")]
        if let Some(key) = &self.signing {
            let sig = || key.sign(link.seq, &link.chain);
            link.sig = Some(link.sig.unwrap_or_else(sig));
        }
        Some(Head::new(link))
    }

    fn start(opened: Opened, options: JsonLinesBuilder) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(options.capacity));
        #[cfg(feature = "chain")]
        let is_chained = options.is_chained();
        for line in opened.recovered {
            queue.take_over(&Line::new(line));
        }
        if opened.probed.is_err() {
            queue.found(opened.probed);
        }
        #[cfg(feature = "chain")]
        queue.begin_at(opened.sealing.last());
        let failed = match options.backpressure {
            _ if opened.journal.is_some() => Failed::Retried,
            Backpressure::Block { .. } => Failed::Retried,
            Backpressure::Drop | Backpressure::Spill(_) => Failed::Lost,
        };
        let strict = opened.journal.clone().zip(options.strict.as_ref());
        let handle = thread::Builder::new().name("atd-audit".to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || {
                Drain {
                    queue: &queue,
                    output: opened.output,
                    sealing: opened.sealing,
                    failed,
                    durability: options.durability,
                    journal: opened.journal.as_deref(),
                    others: 0,
                    ungathered: 0,
                    unsynced: None,
                }
                .run();
            }
        })?;
        Ok(Self {
            queue,
            backpressure: options.backpressure,
            #[cfg(feature = "chain")]
            is_chained,
            waits_for_disk: options.durability == Durability::Sync,
            wanted: options.wanted,
            strict: strict.map(|(journal, strict)| Starts {
                journal,
                patience: strict.patience,
            }),
            #[cfg(feature = "sign")]
            signing: options.chaining.and_then(|it| it.signed).map(|it| it.key),
            writer_thread: Some(handle.thread().id()),
            handle: Mutex::new(Some(handle)),
        })
    }

    /// A sink that has no writer and says why.
    fn without_writer(error: io::Error) -> Self {
        let queue = Queue::new(NonZeroUsize::MIN);
        queue.writer_gone(Some(error));
        Self {
            queue: Arc::new(queue),
            backpressure: Backpressure::Drop,
            #[cfg(feature = "chain")]
            is_chained: false,
            waits_for_disk: false,
            wanted: BesideFields::NONE,
            strict: None,
            #[cfg(feature = "sign")]
            signing: None,
            writer_thread: None,
            handle: Mutex::new(None),
        }
    }

    /// `timeout`, or nothing on the thread that would wait for itself.
    fn patience(&self, timeout: Duration) -> Duration {
        if self.on_writer_thread() {
            Duration::ZERO
        } else {
            timeout
        }
    }

    fn on_writer_thread(&self) -> bool {
        self.writer_thread == Some(thread::current().id())
    }
}

impl Drop for JsonLinesAuditSink {
    fn drop(&mut self) {
        self.queue.close();
        // A writer that holds the last handle of its own sink drops it on the
        // writer thread, which then ends by itself.
        if self.on_writer_thread() {
            return;
        }
        let handle = self
            .handle
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = handle.take() {
            // A panic of the thread is in the counters already.
            let _ = handle.join();
        }
    }
}

impl fmt::Debug for JsonLinesAuditSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesAuditSink")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuditSink;

    #[test]
    fn a_sink_without_a_thread_counts_every_event_and_says_why() {
        let sink = JsonLinesAuditSink::without_writer(io::Error::other("no thread to be had"));
        let event = crate::CallEvent {
            ts: crate::now_rfc3339(),
            call_id: String::new(),
            tool_id: String::new(),
            caller_id: None,
            granted_capabilities: vec![],
            duration_ms: 0,
            outcome: crate::Outcome::Success,
            tier: String::new(),
            dry_run: false,
            schema_version: crate::SCHEMA_VERSION,
            secrets_resolved: false,
            cursor_page: None,
        };
        sink.on_call(&event);
        sink.on_call(&event);
        let health = sink.health();
        assert_eq!((health.queued, health.written, health.lost), (0, 0, 2));
        assert_eq!(
            health.last_error.map(|error| error.to_string()).as_deref(),
            Some("no thread to be had")
        );
        assert!(sink.shutdown(Duration::MAX).is_ok());
    }
}
