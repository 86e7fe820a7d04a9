//! What becomes of events that find the queue full.

use std::{
    io::{self, ErrorKind, Write},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering, mpsc},
    thread,
    time::Duration,
};

use atd_audit::{AuditError, AuditSink, Backpressure, JsonLinesAuditSink, MemoryAuditSink};

use crate::support::{PATIENCE, Paper, account, event, events, gated};

const FOR_EVER: Backpressure = Backpressure::Block { at_most: None };

/// A sink with room for one event, which is taken, before a closed gate.
fn full(backpressure: Backpressure) -> (crate::support::Gate, Paper, JsonLinesAuditSink) {
    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::builder()
        .capacity(1)
        .backpressure(backpressure)
        .writer(writer)
        .unwrap();
    sink.on_call(&event("first"));
    gate.wait_for_writer();
    (gate, paper, sink)
}

#[test]
fn a_call_may_wait_for_room_and_nothing_is_lost() {
    let (gate, paper, sink) = full(FOR_EVER);
    assert!(!sink.try_on_call(&event("would wait")), "there is no room");
    assert_eq!(account(&sink), (1, 0, 0), "who asked took nothing");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sink.on_call(&event("second")));
        assert!(!waiting.is_finished());
        gate.open();
    });
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 2, 0));
    assert_eq!(events(&paper.bytes()).len(), 2);
}

#[test]
fn a_wait_that_has_a_limit_ends_with_a_loss() {
    let at_most = Some(Duration::from_millis(1));
    let (gate, _, sink) = full(Backpressure::Block { at_most });
    sink.on_call(&event("too late"));
    assert_eq!(account(&sink), (1, 0, 1));
    gate.open();
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 1, 1));
}

#[test]
fn a_sink_that_ends_lets_go_of_who_waits() {
    let (gate, _, sink) = full(FOR_EVER);
    thread::scope(|scope| {
        scope.spawn(|| sink.on_call(&event("second")));
        let stuck = sink.shutdown(Duration::ZERO);
        assert!(matches!(stuck, Err(AuditError::TimedOut { queued: 1 })));
    });
    let (_, _, lost) = account(&sink);
    assert_eq!(lost, 1, "it was let go, and counted");
    gate.open();
}

#[test]
fn what_finds_no_room_goes_to_another_sink() {
    let other = Arc::new(MemoryAuditSink::new());
    let (gate, paper, sink) = full(Backpressure::Spill(other.clone()));
    sink.on_call(&event("second"));
    assert!(sink.try_on_call(&event("third")));
    gate.open();
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 1, 0));
    assert_eq!((sink.health().spilled, sink.health().submitted()), (2, 3));
    let spilled: Vec<String> = other.events().into_iter().map(|e| e.tool_id).collect();
    assert_eq!(spilled, ["second", "third"]);
    assert_eq!(events(&paper.bytes()).len(), 1);
}

/// A3: a writer that is slow, 20,000 events: strict about none being lost.
#[test]
fn a_slow_writer_loses_nothing_when_calls_wait() {
    struct Slow(Paper);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            thread::yield_now();
            self.0.write(&bytes[..bytes.len().min(4096)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::builder()
        .capacity(16)
        .backpressure(FOR_EVER)
        .writer(Box::new(Slow(paper.clone())))
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5_000).for_each(|_| sink.on_call(&event("demo:echo"))));
        }
    });
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 20_000, 0));
    assert_eq!(events(&paper.bytes()).len(), 20_000);
}

/// Fails while it is told to, and takes half of what it is given at first.
struct Failing {
    paper: Paper,
    broken: Arc<AtomicBool>,
    failed: mpsc::Sender<()>,
    torn: bool,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.broken.load(Ordering::SeqCst) {
            return self.paper.write(bytes);
        }
        if !self.torn {
            self.torn = true;
            return self.paper.write(&bytes[..bytes.len() / 2]);
        }
        let _ = self.failed.send(());
        Err(ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failing() -> (
    Arc<AtomicBool>,
    mpsc::Receiver<()>,
    Paper,
    JsonLinesAuditSink,
) {
    let (failed, failures) = mpsc::channel();
    let (paper, broken) = (Paper::default(), Arc::new(AtomicBool::new(true)));
    let writer = Failing {
        paper: paper.clone(),
        broken: broken.clone(),
        failed,
        torn: false,
    };
    let sink = JsonLinesAuditSink::builder()
        .backpressure(FOR_EVER)
        .writer(Box::new(writer))
        .unwrap();
    (broken, failures, paper, sink)
}

/// A2: writing resumes when the fault ends, and nothing was lost.
#[test]
fn a_write_that_failed_is_tried_again_until_it_succeeds() {
    let (broken, failures, paper, sink) = failing();
    for n in 0..3 {
        sink.on_call(&event(&n.to_string()));
    }
    // It was tried again, and failed again.
    for _ in 0..3 {
        failures.recv_timeout(PATIENCE).unwrap();
    }
    assert!(sink.health().last_error.is_some());
    broken.store(false, Ordering::SeqCst);
    sink.flush(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 3, 0));
    let whole = paper.bytes();
    let lines = whole.split(|byte| *byte == b'\n');
    let tools: Vec<String> = lines
        .filter_map(|line| serde_json::from_slice::<atd_audit::CallEvent>(line).ok())
        .map(|event| event.tool_id)
        .collect();
    assert_eq!(tools, ["0", "1", "2"], "each once, after the torn half");
}

#[test]
fn a_sink_that_ends_while_its_writer_fails_counts_what_is_left() {
    let (_, failures, _, sink) = failing();
    sink.on_call(&event("never"));
    failures.recv_timeout(PATIENCE).unwrap();
    let ended = sink.shutdown(PATIENCE);
    assert!(matches!(
        ended,
        Err(AuditError::WriteFailed { lost: 1, .. })
    ));
    assert_eq!(account(&sink), (0, 0, 1));
}
