//! The queue between a call and the writer.

use std::{sync::Arc, thread};

use atd_audit::{AuditSink, DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink};

use crate::support::{PATIENCE, Paper, account, event, events, gated};

#[test]
fn a_full_queue_drops_and_counts() {
    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::new_with_capacity(writer, 3);
    sink.on_call(&event("first"));
    gate.wait_for_writer();
    for tool in ["second", "third", "too many", "far too many"] {
        sink.on_call(&event(tool));
    }
    // What is being written still counts: memory is bounded by it too.
    assert_eq!(account(&sink), (3, 0, 2));

    gate.open();
    sink.flush(PATIENCE).unwrap();
    sink.on_call(&event("room again"));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 4, 2));
    let tools: Vec<String> = events(&paper.bytes())
        .into_iter()
        .map(|event| event.tool_id)
        .collect();
    assert_eq!(tools, ["first", "second", "third", "room again"]);
}

#[test]
fn the_default_capacity_is_1024_events() {
    assert_eq!(DEFAULT_AUDIT_QUEUE_CAPACITY, 1024);
    let (gate, _, writer) = gated();
    let sink = JsonLinesAuditSink::new(writer);
    for _ in 0..1030 {
        sink.on_call(&event("demo:echo"));
    }
    assert_eq!(account(&sink), (1024, 0, 6));
    gate.open();
}

#[test]
fn a_capacity_of_zero_is_taken_as_one() {
    let (gate, _, writer) = gated();
    let sink = JsonLinesAuditSink::new_with_capacity(writer, 0);
    sink.on_call(&event("one"));
    sink.on_call(&event("two"));
    assert_eq!(account(&sink), (1, 0, 1));
    gate.open();
}

#[test]
fn what_has_gathered_goes_out_together() {
    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::new(writer);
    sink.on_call(&event("alone"));
    gate.wait_for_writer();
    for _ in 0..500 {
        sink.on_call(&event("together"));
    }
    gate.open();
    sink.shutdown(PATIENCE).unwrap();
    let writes = paper.writes();
    let lines: Vec<usize> = writes.iter().map(|write| events(write).len()).collect();
    // 32 KiB at a time, and the line that they end in.
    let (last, whole) = writes.split_last().unwrap();
    assert_eq!((lines[0], lines.iter().sum::<usize>()), (1, 501));
    assert!(
        whole[1..]
            .iter()
            .all(|write| (32_768..33_300).contains(&write.len()))
    );
    assert!(whole.len() > 1 && last.len() < 33_300);
}

/// Lines that their threads have hashed, because the writer is behind, stand
/// among lines that the writer hashes; a line that tells of a loss is longer
/// than what was hashed of it.
#[cfg(feature = "read")]
#[test]
fn a_chain_is_whole_whoever_made_its_hashes() {
    use atd_audit::{AuditLog, Chaining, VerifyOptions, verify};

    let (gate, paper, writer) = gated();
    let sink = JsonLinesAuditSink::builder()
        .capacity(16)
        .chain(Chaining::new())
        .writer(writer)
        .unwrap();
    sink.on_call(&event("alone"));
    gate.wait_for_writer();
    // The last four find no room.
    (0..19).for_each(|n| sink.on_call(&event(&"x".repeat(n * 7))));
    gate.open();
    sink.flush(PATIENCE).unwrap();
    sink.on_call(&event("after"));
    sink.shutdown(PATIENCE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    std::fs::write(&log, paper.bytes()).unwrap();
    let options = VerifyOptions::new().chained(true).complete(true);
    let report = verify(&AuditLog::open(&log).unwrap(), &options).unwrap();
    assert!(report.broken.is_none(), "{:?}", report.broken);
    assert_eq!((report.events, sink.drops()), (17, 4));
}

#[test]
fn every_event_of_eight_threads_is_a_line_or_a_drop() {
    const THREADS: usize = 8;
    const EACH: usize = 10_000;
    let paper = Paper::default();
    let sink: Arc<dyn AuditSink> = Arc::new(JsonLinesAuditSink::new_with_capacity(
        Box::new(paper.clone()),
        64,
    ));
    let producers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let sink = Arc::clone(&sink);
            thread::spawn(move || {
                let mut event = event(&thread.to_string());
                for number in 0..EACH {
                    event.duration_ms = number as u64;
                    sink.on_call(&event);
                }
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
    sink.flush(PATIENCE).unwrap();

    let health = sink.health();
    assert_eq!(health.submitted(), (THREADS * EACH) as u64);
    assert_eq!(health.queued, 0);
    let lines = events(&paper.bytes());
    assert_eq!(lines.len() as u64, health.written);
    for thread in 0..THREADS {
        let numbers = lines
            .iter()
            .filter(|event| event.tool_id == thread.to_string())
            .map(|event| event.duration_ms);
        assert!(numbers.is_sorted_by(|one, next| one < next));
    }
}
