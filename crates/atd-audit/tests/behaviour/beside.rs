//! What is written beside an event.

use atd_audit::{AuditSink, Beside, BesideFields, JsonLinesAuditSink};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Paper, event, events};

fn beside() -> Beside {
    let mut beside = Beside::new();
    beside.granted_by = vec![
        ("everybody".to_owned(), vec!["fs:read".to_owned()]),
        ("uid:1000".to_owned(), vec!["fs:list".to_owned()]),
    ];
    beside.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    beside.args_sha256 = Some([0x0f; 32]);
    beside.result_sha256 = Some([0xa0; 32]);
    beside
}

fn line(fields: BesideFields, beside: &Beside) -> String {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::builder()
        .beside(fields)
        .writer(Box::new(paper.clone()))
        .unwrap();
    assert_eq!(sink.wants(), fields);
    assert!(sink.on_call_with(&event("demo:echo"), beside, true));
    sink.shutdown(PATIENCE).unwrap();
    // Whoever knows the event alone reads it.
    assert_eq!(events(&paper.bytes()), [event("demo:echo")]);
    String::from_utf8(paper.bytes()).unwrap()
}

#[test]
fn what_is_asked_for_stands_beside_the_event() {
    let all = BesideFields::NONE.granted_by().trace_id().digests();
    let written: Value = serde_json::from_str(&line(all, &beside())).unwrap();
    let expected = json!({
        "granted_by": {"everybody": ["fs:read"], "uid:1000": ["fs:list"]},
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "args_sha256": "0f".repeat(32),
        "result_sha256": "a0".repeat(32),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&written[name], value, "{name}");
    }
}

#[test]
fn what_is_not_asked_for_or_not_known_is_left_out() {
    let plain = serde_json::to_string(&event("demo:echo")).unwrap() + "\n";
    assert_eq!(line(BesideFields::NONE, &beside()), plain);
    let all = BesideFields::NONE.granted_by().trace_id().digests();
    assert_eq!(line(all, &Beside::new()), plain);
    let trace = line(BesideFields::NONE.trace_id(), &beside());
    assert!(
        trace.contains("trace_id") && !trace.contains("sha256"),
        "{trace}"
    );
}

/// A9.
#[test]
fn hostile_names_beside_an_event_do_not_make_it_too_long() {
    let mut hostile = beside();
    let name = "\u{2028}\n".repeat(1 << 20);
    hostile.granted_by = vec![
        (name.clone(), vec![name.clone(), "kept".to_owned()]),
        ("everybody".to_owned(), vec!["x".repeat(100); 10_000]),
    ];
    hostile.trace_id = Some(name);
    let line = line(BesideFields::NONE.granted_by().trace_id(), &hostile);
    assert!(line.len() <= 64 * 1024, "{}", line.len());
    assert_eq!(line.lines().count(), 1);
    let written: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(written["truncated"], true);
}
