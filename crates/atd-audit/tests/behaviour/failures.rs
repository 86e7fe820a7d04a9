//! Writers that fail.

use std::{
    io::{self, ErrorKind, Write},
    sync::{Arc, Mutex},
};

use atd_audit::{AuditError, AuditSink, CallEvent, JsonLinesAuditSink};

use crate::support::{PATIENCE, Paper, account, event, events, gated};

/// What a faulty operation does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It takes one byte of what it was given.
    ShortWrite,
    /// It is interrupted by a signal.
    Interrupted,
    /// It takes nothing and says so.
    Zero,
    /// There is no space left; nothing is taken.
    NoSpace,
    /// It takes half, and the operation after it fails.
    Torn,
    /// It claims more than it was given.
    Overclaim,
    /// It panics.
    Panic,
}

const FAULTS: [Fault; 7] = [
    Fault::ShortWrite,
    Fault::Interrupted,
    Fault::Zero,
    Fault::NoSpace,
    Fault::Torn,
    Fault::Overclaim,
    Fault::Panic,
];

/// Fails at operation `at`, counted from 0 over `write` and `flush` alike, and
/// at every one after it if it is `broken`.
struct Faulty {
    paper: Paper,
    fault: Fault,
    at: usize,
    broken: bool,
    operation: usize,
    /// The operation was a `flush`, of which the bytes are out all the same.
    hit_flush: Arc<Mutex<bool>>,
}

impl Faulty {
    fn is_due(&mut self) -> bool {
        let operation = self.operation;
        self.operation += 1;
        operation == self.at || self.broken && operation > self.at
    }
}

impl Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_due() {
            return self.paper.write(bytes);
        }
        match self.fault {
            Fault::ShortWrite => self.paper.write(&bytes[..1]),
            Fault::Interrupted => {
                // For ever interrupted would be for ever tried again.
                self.broken = false;
                Err(ErrorKind::Interrupted.into())
            }
            Fault::Zero => Ok(0),
            Fault::NoSpace => Err(ErrorKind::StorageFull.into()),
            Fault::Torn => {
                self.fault = Fault::NoSpace;
                self.at += 1;
                self.paper.write(&bytes[..bytes.len().div_ceil(2)])
            }
            Fault::Overclaim => Ok(bytes.len() + 1),
            Fault::Panic => panic!("on purpose"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.is_due() {
            return Ok(());
        }
        match self.fault {
            Fault::ShortWrite => Ok(()),
            Fault::Interrupted => {
                self.broken = false;
                Err(ErrorKind::Interrupted.into())
            }
            Fault::Panic => {
                *self.hit_flush.lock().unwrap() = true;
                panic!("on purpose")
            }
            Fault::Zero | Fault::NoSpace | Fault::Torn | Fault::Overclaim => {
                *self.hit_flush.lock().unwrap() = true;
                Err(ErrorKind::StorageFull.into())
            }
        }
    }
}

/// The lines that are events, and how many other lines with something on them
/// there are.
fn read(bytes: &[u8]) -> (Vec<CallEvent>, usize) {
    let mut whole = Vec::new();
    let mut torn = 0;
    for line in bytes.split(|&byte| byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(event) => whole.push(event),
            Err(_) => torn += usize::from(!line.is_empty()),
        }
    }
    (whole, torn)
}

/// Submits 105 events to a writer that fails at operation `at`, so that each
/// event is one `write` and one `flush`.
fn check(fault: Fault, at: usize, broken: bool) {
    const EVENTS: u64 = 105;
    let case = format!("{fault:?} at {at}, broken: {broken}");
    let paper = Paper::default();
    let hit_flush = Arc::new(Mutex::new(false));
    let sink = JsonLinesAuditSink::new(Box::new(Faulty {
        paper: paper.clone(),
        fault,
        at,
        broken,
        operation: 0,
        hit_flush: Arc::clone(&hit_flush),
    }));
    let mut told_of = 0;
    for number in 0..EVENTS {
        sink.on_call(&event(&number.to_string()));
        let told = match sink.flush(PATIENCE) {
            Ok(()) => 0,
            Err(AuditError::WriteFailed { lost, .. }) => lost,
            Err(error) => panic!("{case}: {error}"),
        };
        let (queued, written, lost) = account(&sink);
        assert_eq!((queued, written + lost), (0, number + 1), "{case}");
        told_of += told;
        assert_eq!(told_of, lost, "{case}");
    }
    sink.shutdown(PATIENCE).unwrap();

    let (_, written, lost) = account(&sink);
    let harmless = matches!(fault, Fault::ShortWrite | Fault::Interrupted);
    assert_eq!(lost == 0, harmless, "{case}");
    assert_eq!(sink.health().last_error.is_none(), harmless, "{case}");
    let (whole, torn) = read(&paper.bytes());
    if *hit_flush.lock().unwrap() {
        // Counted as lost because nobody could say; on record all the same.
        assert!(whole.len() as u64 >= written, "{case}");
    } else {
        assert_eq!(whole.len() as u64, written, "{case}");
    }
    assert!(torn <= 1, "{case}: {torn} torn lines");
    assert!(whole.is_sorted_by_key(|event| event.tool_id.parse::<u64>().unwrap()));
    if !broken {
        assert!(lost <= 1, "{case}: {lost} lost");
        assert_eq!(whole.last().unwrap().tool_id, "104", "{case}");
    }
}

/// A2, for a buffered sink: the operation fails once.
#[test]
fn a_writer_that_fails_once_loses_one_event_at_most() {
    for fault in FAULTS {
        for at in 0..200 {
            check(fault, at, false);
        }
    }
}

/// A2, for a buffered sink: the operation fails, and so do all after it.
#[test]
fn a_writer_that_fails_for_good_leaves_every_event_counted() {
    for fault in FAULTS {
        for at in 0..200 {
            check(fault, at, true);
        }
    }
}

/// A2: three lines are in the batch, of which the first one and a half go out.
#[test]
fn a_batch_torn_in_the_middle_counts_the_whole_lines() {
    struct Half(Paper, u32);
    impl Write for Half {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 {
                // The batch of three comes second.
                2 => self.0.write(&bytes[..bytes.len() / 2]),
                3 => Err(ErrorKind::StorageFull.into()),
                _ => self.0.write(bytes),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Then<A, B>(A, B);
    impl<A: Write, B: Write> Write for Then<A, B> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)?;
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.1.flush()
        }
    }

    let (gate, _, gated) = gated();
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(Then(gated, Half(paper.clone(), 0))));
    sink.on_call(&event("alone"));
    gate.wait_for_writer();
    for tool in ["out", "torn", "never"] {
        sink.on_call(&event(tool));
    }
    gate.open();
    match sink.flush(PATIENCE) {
        Err(AuditError::WriteFailed { lost: 2, source }) => {
            assert_eq!(source.kind(), ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(account(&sink), (0, 2, 2));

    sink.on_call(&event("after"));
    sink.shutdown(PATIENCE).unwrap();
    let (whole, torn) = read(&paper.bytes());
    let tools: Vec<_> = whole.iter().map(|event| &*event.tool_id).collect();
    assert_eq!((tools, torn), (vec!["alone", "out", "after"], 1));
}

#[test]
fn a_writer_that_takes_a_byte_at_a_time_gets_them_all() {
    struct Sip(Paper);
    impl Write for Sip {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(&bytes[..1])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(Sip(paper.clone())));
    for _ in 0..20 {
        sink.on_call(&event("demo:echo"));
    }
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(events(&paper.bytes()).len(), 20);
}

#[test]
fn the_last_error_says_what_a_panicking_writer_said() {
    let sink = JsonLinesAuditSink::new(Box::new(Faulty {
        paper: Paper::default(),
        fault: Fault::Panic,
        at: 0,
        broken: true,
        operation: 0,
        hit_flush: Arc::default(),
    }));
    sink.on_call(&event("demo:echo"));
    sink.flush(PATIENCE).unwrap_err();
    let error = sink.health().last_error.unwrap().to_string();
    assert_eq!(error, "the writer panicked: on purpose");
}

#[test]
fn a_writer_that_panics_when_it_is_dropped_leaves_the_account_right() {
    struct Bomb(Paper);
    impl Write for Bomb {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(Bomb(paper.clone())));
    sink.on_call(&event("demo:echo"));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 1, 0));
    assert_eq!(events(&paper.bytes()).len(), 1);
    let error = sink.health().last_error.unwrap().to_string();
    assert_eq!(error, "a panic ended the writer thread");
}

#[test]
fn a_failed_flush_is_told_to_who_waits_for_it() {
    struct NoFlush;
    impl Write for NoFlush {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }
    let sink = JsonLinesAuditSink::new(Box::new(NoFlush));
    sink.on_call(&event("demo:echo"));
    match sink.flush(PATIENCE) {
        Err(AuditError::WriteFailed { lost: 1, source }) => {
            assert_eq!(source.kind(), ErrorKind::BrokenPipe);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(account(&sink), (0, 0, 1));
    // Once told is enough.
    sink.shutdown(PATIENCE).unwrap();
}
