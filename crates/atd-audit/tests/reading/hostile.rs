//! Lines that somebody made to do harm.

use std::io::{Seek, SeekFrom, Write};

use atd_audit::{Fault, Problem, Record, VerifyOptions};
use proptest::prelude::*;

use super::support::{Place, Sealer};

/// What a line that is no event is told as, between two that are.
fn problem_of(line: &[u8]) -> Problem {
    let mut sealer = Sealer::unsigned();
    let (before, behind) = (sealer.line_with(1, ""), sealer.line_with(2, ""));
    let place = Place::with([before.as_bytes(), line, b"\n", behind.as_bytes()].concat());
    assert_eq!(place.events(), [1, 2]);
    let report = place.verify(&VerifyOptions::new());
    let records = place.records();
    let Record::Bad(bad) = &records[1] else {
        unreachable!("the line should be bad: {records:?}");
    };
    assert_eq!(bad.at.line(), Some(2));
    assert_eq!(
        (bad.at.offset(), bad.length),
        (before.len() as u64, line.len() as u64)
    );
    let broken = report.broken.map(|broken| broken.fault);
    let expected = (bad.problem != Problem::Torn).then(|| Fault::Line(bad.problem.clone()));
    assert_eq!(broken, expected);
    bad.problem.clone()
}

#[test]
fn a_line_of_10_mib_is_told_and_skipped() {
    let name = "x".repeat(10 << 20);
    let line = Sealer::unsigned().line_with(3, "").replace("alice", &name);
    assert_eq!(problem_of(line.trim_end().as_bytes()), Problem::TooLong);
}

/// A file of 64 GiB that takes no room on the disk and has no newline.
#[test]
fn a_line_without_an_end_takes_no_memory() {
    let place = Place::with("");
    let mut file = std::fs::File::create(place.path("audit.jsonl")).unwrap();
    file.seek(SeekFrom::Start(256 << 20)).unwrap();
    file.write_all(b"\n").unwrap();
    let before = resident();
    let records = place.records();
    assert!(matches!(&records[..], [Record::Bad(bad)] if bad.problem == Problem::TooLong));
    assert_eq!(place.log().head().unwrap(), None);
    assert!(resident() < before + (64 << 20));
}

/// The memory that this process holds, in bytes; 0 where it cannot be told.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}

#[test]
fn lines_that_are_no_events_are_told_with_the_reason() {
    let is_not_json = |line: &[u8]| matches!(problem_of(line), Problem::NotJson { .. });
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let deep_field = Sealer::unsigned().line_with(3, &format!(",\"deep\":{deep}"));
    assert!(is_not_json(b"garbage"));
    assert!(is_not_json(b"\xff\xfe\xfd{}"));
    assert!(is_not_json(b"{\"ts\":\"a\0b\"}"));
    assert!(is_not_json(b"\"text that does not end"));
    // What a writer leaves that does not set itself apart from a torn line.
    assert!(is_not_json(b"{\"ts\":\"19{\"ts\":\"1970\"}"));
    for line in ["{}", "[]", "{\"ts\":1}", "null"] {
        let problem = problem_of(line.as_bytes());
        assert!(matches!(problem, Problem::NotAnEvent { .. }), "{line}");
    }
    let nested = problem_of(deep.as_bytes());
    assert!(
        !matches!(nested, Problem::Torn | Problem::TooLong),
        "{nested:?}"
    );
    // Depth in a field that nobody asks for does no harm.
    let place = Place::with(deep_field);
    assert_eq!(place.events().len() + place.records().len(), 2);
}

#[test]
fn the_text_of_a_reason_gives_no_orders_to_a_terminal() {
    let line = "{\"ts\":\"1970\",\"\u{1b}[31m\u{7}\":1,\"outcome\":{\"kind\":\"\\u001b[2J\"}}";
    let text = problem_of(line.as_bytes()).to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, newest in 0_u64..4) {
        let mut sealer = Sealer::unsigned();
        let place = Place::with(sealer.line_with(1, ""));
        place.append(&bytes);
        let _ = place.records();
        let _ = place.verify(&VerifyOptions::new());
        let log = place.log();
        let _ = log.head().unwrap();
        prop_assert!(log.newest(newest).unwrap().count() as u64 <= newest + 1);
    }
}
