//! A server with a strict audit: no call without a record.

mod support;

use std::fs;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atd_audit::{
    AuditError, AuditSink, Backpressure, BesideFields, CallEvent, Durability, JsonLinesAuditSink,
    OUTCOME_UNKNOWN, Outcome, Strict,
};
use atd_gate::Gate;
use atd_proto::{ErrorCode, Response};
use atd_registry::{Registry, tool_fn};
use atd_server::Server;
use serde_json::{Value, json};

use support::{SHORT, anonymous, call, error, result, run};

/// A server with one tool, which counts how often it ran.
fn server(sink: impl AuditSink + 'static) -> (Server, Arc<AtomicU64>) {
    let ran = Arc::new(AtomicU64::new(0));
    let registry = Registry::new();
    let counter = ran.clone();
    let tool = tool_fn("test:count.up", "", move |args: Value, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { Ok(args) }
    });
    registry
        .register(tool.define(|d| d.timeout(SHORT * 50)))
        .unwrap();
    let gate = Gate::builder().allow(["read"]).build();
    let builder = Server::builder(registry).gate(gate).audit(Arc::new(sink));
    (builder.build().unwrap(), ran)
}

fn events(log: &std::path::Path) -> Vec<CallEvent> {
    let text = fs::read_to_string(log).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A2: against `/dev/full` no tool runs and every answer is 1034; when the disk
/// recovers, so does the server.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_lets_no_tool_run_and_the_server_recovers_with_it() {
    for backpressure in [Backpressure::Drop, Backpressure::Block { at_most: None }] {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("audit.jsonl");
        std::os::unix::fs::symlink("/dev/full", &log).unwrap();
        let sink = JsonLinesAuditSink::builder()
            .capacity(16)
            .backpressure(backpressure)
            .strict(Strict::new())
            .file(&log)
            .unwrap();
        let sink = Arc::new(sink);
        let (server, ran) = server(sink.clone());
        let session = anonymous(&server);
        const CALLS: u64 = 100;
        for n in 0..CALLS {
            let refused =
                error(run(&server, &session, call("test:count.up", json!({"n": n}))).await);
            assert_eq!(refused.0, ErrorCode::AUDIT_UNAVAILABLE);
            assert_eq!(refused.1.retryable, Some(true));
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0);

        fs::remove_file(&log).unwrap();
        sink.reopen(Duration::from_secs(60)).unwrap();
        let answer = loop {
            match run(&server, &session, call("test:count.up", json!({"n": 1}))).await {
                Response::Error(refused) => {
                    assert_eq!(refused.code, Some(ErrorCode::AUDIT_UNAVAILABLE));
                }
                answer => break answer,
            }
        };
        assert_eq!(result(answer), json!({"n": 1}));
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        // Each call is on record or counted as lost, and this one is on record.
        sink.shutdown(Duration::from_secs(60)).ok();
        // Those of refused calls come on a thread of their own.
        let account = async {
            loop {
                let (snapshot, events) = (server.metrics_snapshot(), events(&log));
                if events.len() as u64 + snapshot.audit_lost >= snapshot.calls {
                    break (snapshot, events);
                }
                tokio::task::yield_now().await;
            }
        };
        let account = tokio::time::timeout(Duration::from_secs(60), account).await;
        let (snapshot, events) = account.expect("every call is on record or lost");
        assert_eq!(events.len() as u64 + snapshot.audit_lost, snapshot.calls);
        let ran = events
            .iter()
            .filter(|event| event.outcome == Outcome::Success);
        assert_eq!(ran.count(), 1);
    }
}

/// A4, with everything that can be asked of the sink.
#[tokio::test]
async fn every_way_to_end_leaves_one_event_in_a_strict_log() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("audit.jsonl");
    let sink = JsonLinesAuditSink::builder()
        .durability(Durability::Sync)
        .strict(Strict::new())
        .beside(BesideFields::NONE.granted_by())
        .file(&log)
        .unwrap();
    let sink = Arc::new(sink);
    let server = Server::builder(support::registry())
        .gate(Gate::builder().allow(["read"]).build())
        .tiers(support::short_tiers())
        .audit(sink.clone())
        .build()
        .unwrap();
    let mut session = anonymous(&server);
    support::hello(&server, &mut session, "alice").await;
    let tools = [
        ("test:ok.echo", json!({})),
        ("test:ok.typed", json!({"count": 0})),
        ("test:ok.denied", json!({})),
        ("test:none.such", json!({})),
        ("test:bad.fails", json!({})),
        ("test:bad.panics", json!({})),
        ("test:bad.hangs", json!({})),
        ("test:bad.floods", json!({})),
        ("test:bad.spins", json!({})),
    ];
    for (tool, args) in &tools {
        run(&server, &session, call(tool, args.clone())).await;
    }
    let (recorded, whole) = (events(&log), fs::read_to_string(&log).unwrap());
    let found: Vec<&str> = recorded.iter().map(|event| &*event.tool_id).collect();
    let called: Vec<&str> = tools.iter().map(|(tool, _)| *tool).collect();
    assert_eq!(found, called);
    for line in whole.lines() {
        assert!(
            line.contains(r#""granted_by":{"everybody":["read"]}"#),
            "{line}"
        );
    }
    sink.shutdown(Duration::from_secs(60)).unwrap();
    assert!(!place.path().join("audit.jsonl.journal").exists());
}

/// Answers for no call until it is told to.
struct Undecided {
    events: Mutex<Vec<CallEvent>>,
    starts: Mutex<mpsc::Receiver<()>>,
}

impl AuditSink for Undecided {
    fn on_call(&self, event: &CallEvent) {
        self.events.lock().unwrap().push(event.clone());
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn on_start(&self, start: &CallEvent) -> Result<(), AuditError> {
        let unknown = Outcome::ExecutionFailed {
            code: OUTCOME_UNKNOWN.to_owned(),
            retryable: false,
        };
        assert_eq!(start.outcome, unknown);
        let _ = self.starts.lock().unwrap().recv();
        let mut unended = start.clone();
        unended.tool_id = "started".to_owned();
        self.events.lock().unwrap().push(unended);
        Ok(())
    }
}

/// D7, of the audit: one that hangs is answered by the deadline, and the event
/// still comes after the start.
#[tokio::test(start_paused = true)]
async fn a_strict_audit_that_hangs_ends_the_call_by_its_deadline() {
    let (decide, starts) = mpsc::channel();
    let sink = Arc::new(Undecided {
        events: Mutex::default(),
        starts: Mutex::new(starts),
    });
    let (server, ran) = server(sink.clone());
    let session = anonymous(&server);
    let call = call("test:count.up", json!({}));
    // The paused clock goes on by itself only while nothing else can: not
    // while a thread of the runtime's blocks.
    let running = run(&server, &session, call);
    let time = async {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(10)).await;
    };
    let (refused, ()) = tokio::join!(running, time);
    assert_eq!(error(refused).0, ErrorCode::AUDIT_UNAVAILABLE);
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert!(sink.events.lock().unwrap().is_empty());
    decide.send(()).unwrap();
    while sink.events.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let events = sink.events.lock().unwrap();
    let tools: Vec<&str> = events.iter().map(|event| &*event.tool_id).collect();
    assert_eq!(tools, ["started", "test:count.up"]);
    assert_eq!(events[0].call_id, events[1].call_id);
}

#[tokio::test]
async fn a_dry_run_without_a_tool_of_its_own_needs_no_answer_of_the_audit() {
    let place = tempfile::tempdir().unwrap();
    let sink = JsonLinesAuditSink::builder()
        .capacity(NonZero::<usize>::MIN.get())
        .strict(Strict::new().patience(Duration::ZERO))
        .file(&place.path().join("audit.jsonl"))
        .unwrap();
    let (server, ran) = server(sink);
    let mut dry = call("test:count.up", json!({}));
    dry.dry_run = true;
    assert_eq!(
        result(run(&server, &anonymous(&server), dry).await)["dry_run"],
        true
    );
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}
