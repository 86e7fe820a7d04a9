//! Flushing a sink, shutting it down, and dropping it.

use std::{
    cell::RefCell,
    io::{self, Write},
    panic::catch_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use atd_audit::{AuditError, AuditSink, JsonLinesAuditSink};

use crate::support::{PATIENCE, Paper, account, event, events, gated};

const AT_ONCE: Duration = Duration::from_millis(20);

#[track_caller]
fn assert_timed_out(result: Result<(), AuditError>, left: u64) {
    match result {
        Err(AuditError::TimedOut { queued }) => assert_eq!(queued, left),
        other => panic!("{other:?}"),
    }
}

#[test]
fn dropping_the_last_handle_writes_out_what_was_queued() {
    let paper = Paper::default();
    let sink: Arc<dyn AuditSink> = Arc::new(JsonLinesAuditSink::new(Box::new(paper.clone())));
    let other = Arc::clone(&sink);
    for _ in 0..1000 {
        sink.on_call(&event("demo:echo"));
    }
    drop(sink);
    drop(other);
    assert_eq!(events(&paper.bytes()).len(), 1000);
}

#[test]
fn a_sink_dropped_by_a_panic_writes_out_what_was_queued() {
    let paper = Paper::default();
    let writer = Box::new(paper.clone());
    let ended = catch_unwind(move || {
        let sink = JsonLinesAuditSink::new(writer);
        sink.on_call(&event("demo:echo"));
        panic!("on purpose");
    });
    assert!(ended.is_err());
    assert_eq!(events(&paper.bytes()).len(), 1);
}

#[test]
fn flush_returns_when_all_that_was_submitted_is_written() {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(paper.clone()));
    for number in 1..=100 {
        sink.on_call(&event("demo:echo"));
        sink.flush(Duration::MAX).unwrap();
        assert_eq!(events(&paper.bytes()).len(), number);
    }
}

#[test]
fn flush_returns_while_events_keep_coming() {
    let sink = JsonLinesAuditSink::new(Box::new(Paper::default()));
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                sink.on_call(&event("demo:echo"));
            }
        });
        for _ in 0..10 {
            let flushed = sink.flush(PATIENCE);
            enough.store(flushed.is_err(), Ordering::Relaxed);
        }
        assert!(!enough.swap(true, Ordering::Relaxed));
    });
}

#[test]
fn shutdown_with_a_stuck_writer_returns_by_the_timeout_and_says_what_is_left() {
    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::new(writer);
    for _ in 0..3 {
        sink.on_call(&event("demo:echo"));
    }
    gate.wait_for_writer();
    assert_timed_out(sink.flush(AT_ONCE), 3);
    assert_timed_out(sink.shutdown(AT_ONCE), 3);
    assert_eq!(account(&sink), (3, 0, 0));
    sink.on_call(&event("too late"));
    assert_eq!(account(&sink), (3, 0, 1));

    // It can be asked again, and the writer may have come to itself.
    gate.open();
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 3, 1));
    assert_eq!(events(&paper.bytes()).len(), 3);
}

#[test]
fn a_sink_that_was_given_up_drops_at_once() {
    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::new(writer);
    sink.on_call(&event("demo:echo"));
    gate.wait_for_writer();
    assert_timed_out(sink.shutdown(Duration::ZERO), 1);
    drop(sink);
    assert!(paper.writes().is_empty());
    gate.open();
}

#[test]
fn shutdown_drops_the_writer_and_can_be_asked_twice() {
    struct Told(Sender<()>);
    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }

    let (told, dropped) = mpsc::channel();
    let sink = JsonLinesAuditSink::new(Box::new(Told(told)));
    sink.on_call(&event("demo:echo"));
    sink.shutdown(PATIENCE).unwrap();
    dropped.try_recv().unwrap();
    sink.shutdown(PATIENCE).unwrap();
    sink.flush(PATIENCE).unwrap();
    sink.on_call(&event("too late"));
    assert_eq!(account(&sink), (0, 1, 1));
}

type Slot = Arc<Mutex<Option<JsonLinesAuditSink>>>;

/// A writer that does something to its own sink in its first `write`.
struct Meddler {
    sink: Slot,
    act: fn(JsonLinesAuditSink),
    told: Sender<&'static str>,
}

impl Write for Meddler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sink = self.sink.lock().unwrap().take();
        if let Some(sink) = sink {
            (self.act)(sink);
            self.told.send("acted").unwrap();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.told.send("ended").unwrap();
    }
}

/// Runs `act` on the writer thread, with the sink of that thread, and waits
/// until the thread has ended.
fn meddle(act: fn(JsonLinesAuditSink)) {
    let slot = Slot::default();
    let (told, news) = mpsc::channel();
    let sink = JsonLinesAuditSink::new(Box::new(Meddler {
        sink: Arc::clone(&slot),
        act,
        told,
    }));
    {
        // The writer waits for the slot to be filled.
        let mut slot = slot.lock().unwrap();
        sink.on_call(&event("demo:echo"));
        *slot = Some(sink);
    }
    assert_eq!(news.recv_timeout(PATIENCE), Ok("acted"));
    assert_eq!(news.recv_timeout(PATIENCE), Ok("ended"));
}

#[test]
fn a_sink_dropped_by_its_own_writer_ends_without_a_deadlock() {
    meddle(drop);
}

#[test]
fn a_writer_that_flushes_its_own_sink_does_not_wait_for_itself() {
    meddle(|sink| {
        assert_timed_out(sink.flush(Duration::MAX), 1);
        assert_timed_out(sink.shutdown(Duration::MAX), 1);
    });
}

#[test]
fn a_writer_can_report_to_its_own_sink() {
    meddle(|sink| {
        sink.on_call(&event("from the writer"));
        assert_eq!(account(&sink), (2, 0, 0));
    });
}

#[test]
fn an_event_from_a_thread_that_is_torn_down_is_written() {
    struct Last(Arc<JsonLinesAuditSink>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.on_call(&event("last words"));
        }
    }
    thread_local!(static LAST: RefCell<Option<Last>> = const { RefCell::new(None) });

    let paper = Paper::default();
    let sink = Arc::new(JsonLinesAuditSink::new(Box::new(paper.clone())));
    thread::spawn({
        let sink = Arc::clone(&sink);
        move || {
            // Made before the sink's own thread-local, and so dropped after it.
            LAST.set(Some(Last(Arc::clone(&sink))));
            sink.on_call(&event("first words"));
        }
    })
    .join()
    .unwrap();
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(events(&paper.bytes()).len(), 2);
}
