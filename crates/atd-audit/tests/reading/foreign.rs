//! Logs that were not written with a chain, or not by this crate.

use std::time::Duration;

use atd_audit::{AuditSink, JsonLinesAuditSink, Outcome, OutcomeKind, Record, VerifyOptions};

use super::support::{Place, Sealer, event};

#[test]
fn a_log_of_the_sink_is_read_as_it_was_written() {
    let place = Place::new();
    let sink = JsonLinesAuditSink::file(&place.path("audit.jsonl")).unwrap();
    let mut hostile = event(2);
    hostile.tool_id = "a\u{2028}\"\\\n\0".to_owned();
    hostile.caller_id = None;
    hostile.cursor_page = Some(3);
    let written = [event(0), event(1), hostile];
    for event in &written {
        sink.on_call(event);
    }
    sink.shutdown(Duration::from_secs(60)).unwrap();

    let read = place.records().into_iter().map(|record| match record {
        Record::Event(entry) => entry.event,
        other => unreachable!("{other:?}"),
    });
    assert!(read.eq(written));
    let report = place.verify(&VerifyOptions::new());
    assert_eq!(
        (report.events, report.chain, report.broken),
        (3, None, None)
    );
}

/// A line of version 1, which lacked `cursor_page`, as other implementations
/// write it.
const VERSION_1: &str = r#"{"ts":"2026-05-01T10:00:00.123456789+00:00","call_id":"01A","tool_id":"ref:echo.say","granted_capabilities":[],"duration_ms":4,"outcome":{"kind":"rate_limited","retry_after_ms":null},"tier":"warm","dry_run":true,"schema_version":1}"#;

#[test]
fn a_line_of_version_1_is_an_event() {
    let place = Place::with(format!("{VERSION_1}\n"));
    let records = place.records();
    let [Record::Event(entry)] = &records[..] else {
        unreachable!("{records:?}");
    };
    let kind = OutcomeKind::from(&entry.event.outcome);
    assert_eq!(
        (kind, entry.event.cursor_page),
        (OutcomeKind::RateLimited, None)
    );
    assert_eq!((entry.line.as_str(), &entry.head), (VERSION_1, &None));
    assert!(place.verify(&VerifyOptions::new()).is_sound());
}

#[test]
fn what_stands_beside_the_event_is_kept() {
    let mut sealer = Sealer::unsigned();
    let beside = ",\"truncated\":true,\"trace\":{\"id\":\"x\"},\"lost_before\":7";
    let line = sealer.line_with(1, beside);
    let place = Place::with(&line);
    let records = place.records();
    let [Record::Event(entry)] = &records[..] else {
        unreachable!("{records:?}");
    };
    assert!(entry.truncated);
    assert_eq!((entry.lost_before, &entry.event), (7, &event(1)));
    assert_eq!(entry.head, Some(sealer.head()));
    assert_eq!(entry.line, line.trim_end());
    assert_eq!(place.verify(&VerifyOptions::new()).lost, 7);
}

#[test]
fn a_line_of_the_chain_that_is_no_event_yet_breaks_nothing() {
    let mut sealer = Sealer::unsigned();
    let mut lines = sealer.lines(0..1);
    lines.push(sealer.seal("{\"opened\":\"a line of a version to come\""));
    lines.extend(sealer.lines(1..2));
    let report = Place::with(lines.concat()).verify(&VerifyOptions::new());
    assert_eq!(
        (report.events, report.other_lines, report.broken),
        (2, 1, None)
    );
}

#[test]
fn every_outcome_is_read_as_it_is_written() {
    let outcomes = [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: "OUTCOME_UNKNOWN".to_owned(),
            retryable: false,
        },
        Outcome::InvalidArgs {
            message: "no".to_owned(),
        },
        Outcome::CapabilityDenied {
            missing: vec!["fs:read".to_owned()],
        },
        Outcome::RateLimited {
            retry_after_ms: Some(5),
        },
        Outcome::ToolNotFound,
    ];
    for (outcome, kind) in outcomes.into_iter().zip(OutcomeKind::ALL) {
        let event = atd_audit::CallEvent {
            outcome,
            ..event(1)
        };
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.contains(&format!("{{\"kind\":\"{kind}\"")), "{line}");
        assert_eq!(kind.as_str().parse::<OutcomeKind>().unwrap(), kind);
        let records = Place::with(line + "\n").records();
        let [Record::Event(entry)] = &records[..] else {
            unreachable!("{records:?}");
        };
        assert_eq!(entry.event, event);
        assert_eq!(OutcomeKind::from(&entry.event.outcome), kind);
    }
}
