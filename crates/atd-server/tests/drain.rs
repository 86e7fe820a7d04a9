//! A8: the end of a server with a thousand calls in flight.

mod support;

use std::sync::Arc;
use std::time::Duration;

use atd_audit::{CallEvent, JsonLinesAuditSink};
use atd_proto::ErrorCode;
use serde_json::json;
use support::serving::{in_flight, run_tool, serve_with};
use support::*;
use tokio::time::Instant;

/// A8: drained and on disk in 5 s, with the default grace, also when none of
/// the calls ends by itself. On a clock that goes on whenever all wait.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "tokio's clock, which is paused")]
async fn a_thousand_calls_in_flight_are_drained_and_on_disk_in_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let sink = Arc::new(JsonLinesAuditSink::file(&log).unwrap());
    let serving = serve_with(|builder| builder.audit(sink)).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut peer = serving.connect().await;
        for id in 0..50 {
            peer.ask(id, run_tool("test:bad.waits", json!({}))).await;
        }
        readers.push(tokio::spawn(async move {
            for _ in 0..50 {
                let (id, answer) = peer.tagged().await;
                assert!(id.is_some());
                assert_eq!(error(answer).0, ErrorCode::SHUTTING_DOWN);
            }
            peer.closed().await;
        }));
    }
    in_flight(&serving, 1_000).await;
    let begun = Instant::now();
    let report = serving.handle.shutdown().await;
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(5), "{took:?}");
    assert_eq!((report.cut_calls, report.stuck_connections), (1_000, 0));
    assert_eq!((report.audit_lost, report.audit_problem), (0, None));
    for reader in readers {
        reader.await.unwrap();
    }
    let lines = std::fs::read_to_string(&log).unwrap();
    let events: Vec<CallEvent> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 1_000);
    let cut = failed("SHUT_DOWN", true);
    assert!(events.iter().all(|event| event.outcome == cut));
}
