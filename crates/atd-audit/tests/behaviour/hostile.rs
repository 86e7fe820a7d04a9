//! Events whose strings a client chose with bad intent.

use std::collections::HashSet;

use atd_audit::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome};
use serde::Deserialize;

use crate::support::{PATIENCE, Paper, account, event};

const LINE_LIMIT: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    event: CallEvent,
    #[serde(default)]
    truncated: bool,
}

/// Writes `event` and returns what a reader makes of its one line.
#[track_caller]
fn written(sink: &JsonLinesAuditSink, paper: &Paper, event: &CallEvent) -> Line {
    sink.on_call(event);
    sink.flush(PATIENCE).unwrap();
    let bytes = paper.take();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.len() <= LINE_LIMIT, "{} bytes", text.len());
    // Whatever somebody may take for the end of a line, there is one of it.
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert_eq!(text.find(ends), Some(text.len() - 1));
    let line: Line = serde_json::from_str(text).unwrap();
    assert_eq!(line.truncated, line.event != *event);
    line
}

#[track_caller]
fn check(event: &CallEvent) -> Line {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(paper.clone()));
    written(&sink, &paper, event)
}

/// Ten thousand ids: short ones of every bad kind, and some up to 10 MiB.
fn ids() -> impl Iterator<Item = String> {
    const PIECES: [&str; 12] = [
        "\n",
        "\r\n",
        "\0",
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "\u{1b}[2J",
        "\"}\n{\"",
        "\\",
        "é",
        "🦀",
        "a",
    ];
    (0..10_000).map(|number: usize| {
        let piece = PIECES[number % PIECES.len()];
        let length = match number {
            0..12 => 10 * MIB,
            12..240 => LINE_LIMIT / 2,
            _ => number % 97,
        };
        format!("{number}{}", piece.repeat(length / piece.len() + 1))
    })
}

/// A9, X2: the short form, with the id in the place of the tool's and of the
/// caller's by turns.
#[test]
fn ten_thousand_hostile_ids_leave_as_many_lines() {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(paper.clone()));
    let mut seen = HashSet::new();
    for (number, id) in ids().enumerate() {
        let hostile = if number % 2 == 0 {
            event(&id)
        } else {
            CallEvent {
                caller_id: Some(id),
                ..event("demo:echo")
            }
        };
        let read = written(&sink, &paper, &hostile);
        let kept = match number % 2 {
            0 => read.event.tool_id,
            _ => read.event.caller_id.unwrap(),
        };
        assert!(seen.insert(kept), "{number}");
    }
    assert_eq!(account(&sink), (0, 10_000, 0));
}

#[test]
fn a_line_is_cut_only_where_it_would_be_too_long() {
    let paper = Paper::default();
    let sink = JsonLinesAuditSink::new(Box::new(paper.clone()));
    let bare = serde_json::to_string(&event("")).unwrap().len();
    let mut whole = 0;
    for length in (LINE_LIMIT - 1400 - bare)..(LINE_LIMIT - 600 - bare) {
        let line = written(&sink, &paper, &event(&"x".repeat(length)));
        whole += usize::from(!line.truncated);
    }
    // The limit lies in between, with room for what goes beside the fields.
    assert!((1..800).contains(&whole), "{whole}");
}

#[test]
fn a_string_is_cut_between_characters() {
    for piece in ["é", "字", "🦀", "\u{2028}", "\n", "\"", "\0", "a\u{85}字"] {
        for shift in 0..7 {
            let id = "-".repeat(shift) + &piece.repeat(MIB / 8);
            let line = check(&event(&id));
            assert!(line.truncated);
            assert!(id.starts_with(&line.event.tool_id));
            assert!(line.event.tool_id.len() > 1024);
            // What is not too long itself stays whole.
            assert_eq!(line.event.call_id, event("").call_id);
            assert_eq!(line.event.caller_id, event("").caller_id);
        }
    }
}

#[test]
fn a_long_list_keeps_its_first_elements_whole() {
    let many: Vec<String> = (0..200_000).map(|number| format!("cap:{number}")).collect();
    let granted = check(&CallEvent {
        granted_capabilities: many.clone(),
        ..event("demo:echo")
    });
    assert!(granted.truncated);
    let kept = granted.event.granted_capabilities;
    assert!(kept.len() > 100);
    assert_eq!(kept, many[..kept.len()]);

    // Wherever in an element the room ends.
    for length in 0..40 {
        let same = vec!["x".repeat(length); 50_000];
        let granted = check(&CallEvent {
            granted_capabilities: same.clone(),
            ..event("demo:echo")
        });
        let kept = granted.event.granted_capabilities;
        assert_eq!(kept, same[..kept.len()]);
    }

    let denied = check(&CallEvent {
        outcome: Outcome::CapabilityDenied {
            missing: vec!["fs:read".to_owned(), "x".repeat(10 * MIB), "z".to_owned()],
        },
        ..event("demo:echo")
    });
    assert!(denied.truncated);
    let missing = vec!["fs:read".to_owned()];
    assert_eq!(denied.event.outcome, Outcome::CapabilityDenied { missing });
}

#[test]
fn an_event_that_is_too_long_everywhere_is_cut_everywhere() {
    let long = || "\0".repeat(MIB);
    let check = |outcome: Outcome| {
        let line = check(&CallEvent {
            ts: long(),
            call_id: long(),
            tool_id: long(),
            caller_id: Some(long()),
            granted_capabilities: vec!["\0".to_owned(); MIB],
            duration_ms: u64::MAX,
            outcome,
            tier: long(),
            dry_run: true,
            schema_version: u32::MAX,
            secrets_resolved: true,
            cursor_page: Some(u32::MAX),
        });
        assert!(line.truncated);
    };
    check(Outcome::InvalidArgs { message: long() });
    check(Outcome::ExecutionFailed {
        code: long(),
        retryable: false,
    });
    check(Outcome::CapabilityDenied {
        missing: vec![long(); 3],
    });
}
