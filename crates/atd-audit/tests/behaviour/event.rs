//! The event and its form on the wire.

use atd_audit::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome, SCHEMA_VERSION};
use proptest::{collection, option, prelude::*};

use crate::support::{PATIENCE, Paper, event, events};

const GOLDEN: &str = include_str!("../golden/call_event_v2.jsonl");
const VERSION_1: &str = include_str!("../golden/call_event_v1.jsonl");

/// The events of `GOLDEN`: every outcome, and each field present and absent.
fn golden_events() -> Vec<CallEvent> {
    let outcomes = [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: "IO_ERROR".to_owned(),
            retryable: true,
        },
        Outcome::InvalidArgs {
            message: "path: expected a \"string\"\n\tat C:\\".to_owned(),
        },
        Outcome::CapabilityDenied {
            missing: vec!["fs:write".to_owned(), "net:get".to_owned()],
        },
        Outcome::RateLimited {
            retry_after_ms: Some(1500),
        },
        Outcome::RateLimited {
            retry_after_ms: None,
        },
        Outcome::ToolNotFound,
    ];
    let mut list: Vec<CallEvent> = outcomes
        .into_iter()
        .map(|outcome| CallEvent {
            outcome,
            ..event("demo:fs.read")
        })
        .collect();
    list[1].dry_run = true;
    list[1].tier = "cold".to_owned();
    list[2].caller_id = None;
    list[3].granted_capabilities.clear();
    list[4].secrets_resolved = true;
    list[5].cursor_page = Some(1);
    list[6].tool_id = "däta\u{85}\u{2028}\u{2029}\u{7f}\u{0}\u{1b}🦀".to_owned();
    list[6].duration_ms = u64::MAX;
    list[6].cursor_page = Some(u32::MAX);
    list
}

fn written(list: &[CallEvent]) -> Vec<u8> {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new_with_capacity(Box::new(paper.clone()), list.len());
    for event in list {
        sink.on_call(event);
    }
    sink.shutdown(PATIENCE).unwrap();
    paper.bytes()
}

/// What serde makes of an event, with those characters escaped that the sink
/// escapes beyond what JSON asks for.
fn as_serde_has_it(event: &CallEvent) -> String {
    let mut line = String::new();
    for c in serde_json::to_string(event).unwrap().chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                line += &format!("\\u{:04x}", u32::from(c));
            }
            _ => line.push(c),
        }
    }
    line + "\n"
}

#[test]
fn the_bytes_of_every_outcome_are_pinned() {
    assert_eq!(
        String::from_utf8(written(&golden_events())).unwrap(),
        GOLDEN
    );
}

#[test]
fn the_pinned_lines_read_back_as_they_were() {
    assert_eq!(events(GOLDEN.as_bytes()), golden_events());
}

#[test]
fn serde_writes_the_pinned_bytes_too() {
    let lines: String = golden_events().iter().map(as_serde_has_it).collect();
    assert_eq!(lines, GOLDEN);
}

#[test]
fn a_line_of_version_1_is_read() {
    let read = events(VERSION_1.as_bytes());
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].schema_version, 1);
    assert_eq!(read[0].caller_id, None);
    assert!(!read[0].secrets_resolved);
    assert_eq!(read[1].caller_id.as_deref(), Some("bob"));
    assert!(read[1].secrets_resolved);
    assert!(read.iter().all(|event| event.cursor_page.is_none()));
}

#[test]
fn a_reader_of_version_1_finds_its_fields_in_a_line_of_version_2() {
    let line: serde_json::Value =
        serde_json::from_slice(&written(&[event("demo:fs.read")])).unwrap();
    let v1: serde_json::Value = serde_json::from_str(VERSION_1.lines().next().unwrap()).unwrap();
    for field in v1.as_object().unwrap().keys() {
        assert!(line.get(field).is_some(), "{field} is missing");
    }
    assert_eq!(line["schema_version"], SCHEMA_VERSION);
}

#[test]
fn what_is_written_beside_the_fields_is_ignored() {
    let line = GOLDEN.lines().next().unwrap();
    let more = line.replacen('{', r#"{"seq":7,"chain":"ab","trace":{"id":[1,null]},"#, 1);
    let more = more.replace(r#""kind":"success""#, r#""kind":"success","since":"today""#);
    assert_eq!(
        serde_json::from_str::<CallEvent>(&more).unwrap(),
        golden_events()[0]
    );
}

/// Strings of which many need an escape.
fn text() -> impl Strategy<Value = String> {
    let awkward = proptest::sample::select(vec![
        '"',
        '\\',
        '/',
        '\0',
        '\n',
        '\r',
        '\t',
        '\u{8}',
        '\u{c}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9f}',
        '\u{a0}',
        '\u{2027}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        'é',
        '字',
        '🦀',
        '\u{10ffff}',
    ]);
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        collection::vec(prop_oneof![awkward, any::<char>()], 0..40)
            .prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::ToolNotFound),
        (text(), any::<bool>())
            .prop_map(|(code, retryable)| Outcome::ExecutionFailed { code, retryable }),
        text().prop_map(|message| Outcome::InvalidArgs { message }),
        collection::vec(text(), 0..4).prop_map(|missing| Outcome::CapabilityDenied { missing }),
        any::<Option<u64>>().prop_map(|retry_after_ms| Outcome::RateLimited { retry_after_ms }),
    ]
}

fn any_event() -> impl Strategy<Value = CallEvent> {
    let strings = (text(), text(), text(), option::of(text()), text());
    let lists = collection::vec(text(), 0..4);
    let rest = (
        any::<u64>(),
        any::<bool>(),
        any::<u32>(),
        any::<bool>(),
        any::<Option<u32>>(),
    );
    (strings, lists, any_outcome(), rest).prop_map(
        |((ts, call_id, tool_id, caller_id, tier), granted_capabilities, outcome, rest)| {
            let (duration_ms, dry_run, schema_version, secrets_resolved, cursor_page) = rest;
            CallEvent {
                ts,
                call_id,
                tool_id,
                caller_id,
                granted_capabilities,
                duration_ms,
                outcome,
                tier,
                dry_run,
                schema_version,
                secrets_resolved,
                cursor_page,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_is_written_as_serde_writes_it_and_reads_back(event in any_event()) {
        let line = written(std::slice::from_ref(&event));
        prop_assert_eq!(std::str::from_utf8(&line).unwrap(), as_serde_has_it(&event));
        prop_assert_eq!(events(&line), vec![event]);
    }
}
