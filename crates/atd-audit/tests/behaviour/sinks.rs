//! The trait, and the sink for tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use atd_audit::{AuditError, AuditSink, CallEvent, Health, JsonLinesAuditSink, MemoryAuditSink};

use crate::support::{event, gated};

#[test]
fn a_sink_needs_one_method() {
    struct Count(AtomicU64);
    impl AuditSink for Count {
        fn on_call(&self, _: &CallEvent) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let sink = Count(AtomicU64::new(0));
    sink.on_call(&event("demo:echo"));
    assert_eq!(sink.0.load(Ordering::Relaxed), 1);
    assert_eq!(sink.drops(), 0);
    assert_eq!(sink.health().submitted(), 0);
    sink.flush(Duration::ZERO).unwrap();
}

#[test]
fn a_sinks_health_knows_its_drops() {
    struct Sieve;
    impl AuditSink for Sieve {
        fn on_call(&self, _: &CallEvent) {}
        fn drops(&self) -> u64 {
            7
        }
    }
    assert_eq!(Sieve.health().lost, 7);
}

#[test]
fn a_shared_or_boxed_sink_is_the_sink_itself() {
    fn check(sink: &impl AuditSink) {
        sink.on_call(&event("one"));
        sink.on_call(&event("two"));
        assert_eq!(sink.drops(), 1);
        let Health { queued, lost, .. } = sink.health();
        assert_eq!((queued, lost), (1, 1));
        let left = sink.flush(Duration::ZERO);
        assert!(matches!(left, Err(AuditError::TimedOut { queued: 1 })));
    }

    let (arc_gate, _, writer) = gated();
    let shared = Arc::new(JsonLinesAuditSink::new_with_capacity(writer, 1));
    check(&shared);
    arc_gate.open();

    let (box_gate, _, writer) = gated();
    let sink = Arc::new(JsonLinesAuditSink::new_with_capacity(writer, 1));
    let boxed: Box<dyn AuditSink> = Box::new(Arc::clone(&sink) as Arc<dyn AuditSink>);
    check(&boxed);
    box_gate.open();
}

#[test]
fn a_memory_sink_keeps_events_in_order() {
    let sink = MemoryAuditSink::new();
    sink.on_call(&event("one"));
    sink.on_call(&event("two"));
    assert_eq!(sink.events(), [event("one"), event("two")]);
    assert_eq!(sink.health().written, 2);
}

#[test]
fn debug_shows_how_a_sink_stands() {
    let sink = JsonLinesAuditSink::stderr();
    assert!(format!("{sink:?}").contains("lost: 0"));
}
