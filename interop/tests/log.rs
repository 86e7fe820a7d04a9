//! A log that the published sink wrote, read by our `atd audit`.

use std::process::{Command, Output};

use atd_runtime::audit::{
    AuditSink, BackpressureStrategy, CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339,
};

fn event(tool_id: &str, outcome: Outcome) -> CallEvent {
    let event = serde_json::json!({
        "ts": now_rfc3339(),
        "call_id": "01JZ8Y4T6N3V5Q2M7K9R1B0C4D",
        "tool_id": tool_id,
        "caller_id": "alice",
        "granted_capabilities": ["fs:read"],
        "duration_ms": 12,
        "outcome": outcome,
        "tier": "hot",
        "dry_run": false,
        "schema_version": 2,
        "secrets_resolved": false,
    });
    serde_json::from_value(event).expect("their event, from its own fields")
}

fn audit(log: &std::path::Path, args: &[&str]) -> (bool, String) {
    let Output { status, stdout, .. } = Command::new(interop::atd())
        .arg("audit")
        .args(args)
        .env("ATD_AUDIT_LOG", log)
        .output()
        .expect("atd runs");
    (status.success(), String::from_utf8(stdout).expect("text"))
}

#[test]
fn a_log_of_the_published_sink_is_read_queried_and_verified_as_unchained() {
    let place = tempfile::tempdir().expect("a directory");
    let log = place.path().join("audit.jsonl");
    let file = std::fs::File::create(&log).expect("a file");
    let block = BackpressureStrategy::Block;
    let sink = JsonLinesAuditSink::with_strategy(Box::new(file), 1024, block);
    for n in 0..100 {
        let outcome = match n % 10 {
            0 => Outcome::RateLimited {
                retry_after_ms: None,
            },
            1 => Outcome::ExecutionFailed {
                code: "BUSY".to_owned(),
                retryable: true,
            },
            _ => Outcome::Success,
        };
        sink.on_call(&event("ref:fs.read", outcome));
    }
    drop(sink);

    let (found, text) = audit(&log, &["query", "--outcome", "rate_limited", "--json"]);
    assert!(found && text.lines().count() == 10, "{text}");
    let (found, text) = audit(&log, &["stats", "--json"]);
    assert!(
        found && text.contains("ref:fs.read") && text.contains("100"),
        "{text}"
    );
    let (is_sound, text) = audit(&log, &["verify"]);
    assert!(is_sound && text.contains("100"), "{text}");
    let (is_chained, text) = audit(&log, &["verify", "--chained"]);
    assert!(!is_chained, "{text}");
}
