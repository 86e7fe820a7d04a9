//! The audit sink, on a file in the system's directory for temporary ones.
//! Every event is of a success, some 250 bytes as a line, and none is lost.
//!
//! - `sink/on_call`: what a call waits for. `writer_asleep` is one event after
//!   a pause, as on a server that has time: the thread that writes is woken.
//!   It has the time of reading the clock in it, some 50 ns. `writer_busy` is
//!   one event of many that follow each other, as many as the default queue
//!   holds.
//! - `sink/to_file`: what gets through from 1 and from 4 threads, until the
//!   last line is in the file. One iteration is one event.
//!
//! Left out: the making of the event (see `dispatch`), what a full queue does,
//! and the disk: the lines are in the system's cache when time stops, and the
//! file is emptied before they need to be anywhere else.

use std::thread;
use std::time::Duration;

use atd_runtime::audit::{
    AuditSink, CallEvent, DEFAULT_AUDIT_QUEUE_CAPACITY, Outcome, SCHEMA_VERSION, now_rfc3339,
};
use benches::{AuditFile, time_in_batches};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};

/// How many events go into the file before it is emptied: so many that the
/// start of the threads that report them does not count.
const BATCH: u64 = 64 * 1024;

fn on_call(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a directory for the file");
    let mut group = c.benchmark_group("sink/on_call");
    let default = DEFAULT_AUDIT_QUEUE_CAPACITY as u64;
    let cases: [(_, _, fn(&AuditFile)); 2] = [
        ("writer_asleep", 1, pause),
        ("writer_busy", default, AuditFile::clear),
    ];
    for (name, batch, before) in cases {
        let file = AuditFile::create(&folder.path().join(name), default);
        let event = event();
        group.bench_function(name, |b| {
            b.iter_custom(|events| {
                file.clear();
                let report = |events| report(&file, &event, events);
                let time = time_in_batches(events, batch, || before(&file), report);
                file.assert_lossless();
                time
            });
        });
    }
}

fn to_file(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a directory for the file");
    let mut group = c.benchmark_group("sink/to_file");
    group.throughput(Throughput::Elements(1));
    for producers in [1, 4] {
        let file = AuditFile::create(&folder.path().join(producers.to_string()), BATCH);
        let event = event();
        group.bench_function(BenchmarkId::new("producers", producers), |b| {
            b.iter_custom(|events| {
                let report = |events| report_from(producers, &file, &event, events);
                let time = time_in_batches(events, BATCH, || file.clear(), report);
                file.assert_lossless();
                time
            });
        });
    }
}

/// Until the thread that writes has nothing left to do and has gone to sleep;
/// nothing tells when it has, so it gets ample time.
fn pause(file: &AuditFile) {
    file.settle();
    thread::park_timeout(Duration::from_micros(100));
}

fn report(file: &AuditFile, event: &CallEvent, events: u64) {
    for _ in 0..events {
        file.sink().on_call(event);
    }
}

/// Reports so many events in all from so many threads, until all are written.
fn report_from(producers: u64, file: &AuditFile, event: &CallEvent, events: u64) {
    thread::scope(|threads| {
        for producer in 0..producers {
            let share = (events + producer) / producers;
            threads.spawn(move || report(file, event, share));
        }
    });
    file.settle();
}

fn event() -> CallEvent {
    CallEvent {
        ts: now_rfc3339(),
        call_id: "01JZ8Q3V9N4T7W2X5Y6Z8A1B3C".to_owned(),
        tool_id: "ref:fs.read".to_owned(),
        caller_id: Some("agent-7".to_owned()),
        granted_capabilities: vec!["net".to_owned(), "read".to_owned(), "write".to_owned()],
        duration_ms: 12,
        outcome: Outcome::Success,
        tier: "warm".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}

criterion_group!(benches, on_call, to_file);
