//! Tee, filter, channel and tracing.

use std::{
    future::Future,
    num::NonZero,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use atd_audit::{
    AuditError, AuditSink, Backpressure, Beside, BesideFields, CallEvent, FilterAuditSink,
    JsonLinesAuditSink, MemoryAuditSink, Outcome, TeeAuditSink, channel,
};

use crate::support::{PATIENCE, event, gated};

/// Panics at each event.
struct Panics;

impl AuditSink for Panics {
    fn on_call(&self, _: &CallEvent) {
        panic!("on purpose");
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn on_start(&self, _: &CallEvent) -> Result<(), AuditError> {
        Err(AuditError::NoRoom)
    }

    fn flush(&self, _: Duration) -> Result<(), AuditError> {
        Err(AuditError::TimedOut { queued: 1 })
    }
}

#[test]
fn a_failure_of_one_sink_does_not_touch_the_other() {
    for panics_first in [true, false] {
        let memory = Arc::new(MemoryAuditSink::new());
        let tee = match panics_first {
            true => TeeAuditSink::new(Arc::new(Panics), memory.clone()),
            false => TeeAuditSink::new(memory.clone(), Arc::new(Panics)),
        };
        tee.on_call(&event("one"));
        assert!(tee.try_on_call(&event("two")));
        assert!(tee.on_call_with(&event("three"), &Beside::new(), false));
        assert_eq!(memory.events().len(), 3);
        assert_eq!((tee.drops(), tee.health().written), (3, 3));
        assert!(tee.flush(PATIENCE).is_err());
        assert!(tee.is_strict() && tee.on_start(&event("four")).is_err());
    }
}

#[test]
fn an_event_is_tried_with_both_sinks_or_with_none() {
    let (gate, _, writer) = gated();
    let blocking = JsonLinesAuditSink::builder()
        .capacity(1)
        .backpressure(Backpressure::Block { at_most: None })
        .beside(BesideFields::NONE.trace_id())
        .writer(writer)
        .unwrap();
    let blocking = Arc::new(blocking);
    let memory = Arc::new(MemoryAuditSink::new());
    let tee = TeeAuditSink::new(memory.clone(), blocking.clone());
    assert!(tee.may_wait() && tee.wants().trace_id && !tee.wants().granted_by);
    assert!(tee.try_on_call(&event("there is room")));
    gate.wait_for_writer();
    assert!(!tee.try_on_call(&event("there is none")));
    assert_eq!(memory.events().len(), 1, "nothing was done");

    let both = TeeAuditSink::new(blocking.clone(), blocking.clone());
    assert!(!both.try_on_call(&event("what one took could not be taken back")));
    assert_eq!(blocking.health().submitted(), 1);
    gate.open();
}

#[test]
fn a_filter_lets_through_what_it_is_asked_for() {
    let refused = FilterAuditSink::new(MemoryAuditSink::new(), |event: &CallEvent| {
        event.outcome == Outcome::ToolNotFound
    });
    let not_found = CallEvent {
        outcome: Outcome::ToolNotFound,
        ..event("none:such.tool")
    };
    for event in [&event("demo:echo"), &not_found] {
        refused.on_call(event);
        assert!(refused.try_on_call(event));
        assert!(refused.on_call_with(event, &Beside::new(), true));
    }
    assert_eq!(refused.inner().events(), vec![not_found; 3]);
    assert_eq!(refused.health().written, 3);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<T>(bell: &Arc<Bell>, future: impl Future<Output = T>) -> Poll<T> {
    let waker = Waker::from(bell.clone());
    pin!(future).poll(&mut Context::from_waker(&waker))
}

#[test]
fn events_can_be_awaited_without_a_runtime() {
    let (sink, mut events) = channel(NonZero::new(2).unwrap());
    let bell = Arc::new(Bell::default());
    assert!(poll(&bell, events.recv()).is_pending());
    sink.on_call(&event("one"));
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    sink.on_call(&event("two"));
    sink.on_call(&event("three finds no room"));
    assert_eq!((sink.drops(), sink.health().queued), (1, 2));
    for tool in ["one", "two"] {
        match poll(&bell, events.recv()) {
            Poll::Ready(Some(event)) => assert_eq!(event.tool_id, tool),
            other => panic!("{other:?}"),
        }
    }
    assert!(events.try_recv().is_none());
    assert!(poll(&bell, events.recv()).is_pending());
    assert_eq!(sink.health().written, 2);
    drop(sink);
    assert_eq!(
        bell.0.load(Ordering::SeqCst),
        2,
        "who waits hears of the end"
    );
    assert!(matches!(poll(&bell, events.recv()), Poll::Ready(None)));
}

#[test]
fn events_that_nobody_will_receive_are_lost_and_counted() {
    let (sink, events) = channel(NonZero::new(10).unwrap());
    sink.on_call(&event("one"));
    drop(events);
    sink.on_call(&event("two"));
    assert_eq!((sink.drops(), sink.health().submitted()), (2, 2));
}

#[cfg(feature = "tracing")]
#[test]
fn a_subscriber_hears_of_each_call() {
    use crate::support::Paper;

    let paper = Paper::default();
    let log = paper.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || log.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let sink = atd_audit::TracingAuditSink::new();
        sink.on_call(&event("demo:echo\n2026 ERROR forged"));
        sink.on_call(&CallEvent {
            caller_id: None,
            outcome: Outcome::ExecutionFailed {
                code: "BUSY\nforged".to_owned(),
                retryable: true,
            },
            ..event("demo:echo")
        });
    });
    let said = String::from_utf8(paper.bytes()).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].contains("INFO atd::audit:") && lines[0].contains("outcome=\"success\""));
    assert!(lines[1].contains("WARN atd::audit:") && lines[1].contains(r"BUSY\\nforged"));
    assert!(lines[0].contains("caller_id=\"alice\"") && !lines[1].contains("caller_id"));
}
