//! The chain as it is written: what the reader verifies, and goes on with.

use std::{fs, num::NonZero};

use atd_audit::{
    AuditLog, AuditSink, Chaining, Fault, JsonLinesAuditSink, Retention, Rotation, VerifyOptions,
};

use crate::support::{PATIENCE, Place, account, builder, event, every, public_key};

fn write(place: &Place, chaining: Chaining, numbers: std::ops::Range<u64>) {
    let sink = builder().chain(chaining).file(&place.log()).unwrap();
    for n in numbers {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    }
    sink.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_chain_goes_on_when_the_log_is_opened_again() {
    let place = Place::new();
    for round in 0..5 {
        write(&place, Chaining::new(), round * 10..round * 10 + 10);
    }
    let report = place.verify_whole();
    assert_eq!(report.events, 50);
    assert_eq!(report.chain.unwrap().last.seq(), 50);
}

#[test]
fn every_nth_line_is_signed_and_the_first_after_each_start() {
    let place = Place::new();
    write(&place, every(10), 0..25);
    write(&place, every(10), 25..27);
    let report = place.verify(&VerifyOptions::new().key(public_key()).complete(true));
    assert!(report.broken.is_none(), "{:?}", report.broken);
    // 1, 10, 20, and 26, which is the first of the second run.
    assert_eq!(report.signatures.checked, 4);
    assert_eq!(report.signatures.signed_through, Some(26));
}

#[test]
fn the_last_line_of_a_segment_is_signed() {
    let place = Place::new();
    let sink = builder()
        .chain(every(1_000_000))
        .rotation(Rotation::new().max_bytes(NonZero::new(1_000).unwrap()))
        .file(&place.log())
        .unwrap();
    (0..100).for_each(|n| sink.on_call(&event(n)));
    sink.shutdown(PATIENCE).unwrap();
    let report = place.verify(&VerifyOptions::new().key(public_key()).complete(true));
    assert!(report.broken.is_none(), "{:?}", report.broken);
    for name in place.names().iter().filter(|name| *name != "audit.jsonl") {
        let segment = fs::read_to_string(place.path(name)).unwrap();
        assert!(
            segment.lines().last().unwrap().contains("\"sig\":"),
            "{name}"
        );
    }
}

#[test]
fn the_head_is_signed_whatever_line_it_is() {
    let place = Place::new();
    let sink = builder().chain(every(1_000)).file(&place.log()).unwrap();
    assert_eq!(sink.head(), None);
    (0..7).for_each(|n| sink.on_call(&event(n)));
    sink.flush(PATIENCE).unwrap();
    let head = sink.head().unwrap();
    assert_eq!((head.seq(), head.signature().is_some()), (7, true));
    drop(sink);

    let expecting = VerifyOptions::new().key(public_key()).expect(head);
    assert!(place.verify(&expecting).broken.is_none());
    // The newest line is taken away, and only the head knows.
    let log = fs::read_to_string(place.log()).unwrap();
    let cut = log.trim_end().rfind('\n').unwrap() + 1;
    fs::write(place.log(), &log[..cut]).unwrap();
    assert!(
        place
            .verify(&VerifyOptions::new().key(public_key()))
            .broken
            .is_none()
    );
    let fault = place.verify(&expecting).broken.unwrap().fault;
    assert!(
        matches!(
            fault,
            Fault::Ended {
                expected: 7,
                last: 6
            }
        ),
        "{fault:?}"
    );
    // A sink that goes on from there gives the number 7 to another line.
    write(&place, every(1_000), 7..9);
    let fault = place.verify(&expecting).broken.unwrap().fault;
    assert!(matches!(fault, Fault::OtherChain { seq: 7 }), "{fault:?}");
    let sink = builder().chain(every(1_000)).file(&place.log()).unwrap();
    assert_eq!(
        sink.head().unwrap().seq(),
        8,
        "known before anything is written"
    );
}

/// A5: cut at any byte of its last line, a chained log goes on unbroken, and a
/// line that lacks its newline alone is kept.
#[test]
fn a_chain_goes_on_behind_a_line_cut_at_any_byte() {
    let place = Place::new();
    write(&place, every(2), 0..3);
    let whole = fs::read(place.log()).unwrap();
    let start = whole[..whole.len() - 1]
        .iter()
        .rposition(|&b| b == b'\n')
        .unwrap()
        + 1;
    for cut in start..=whole.len() {
        fs::write(place.log(), &whole[..cut]).unwrap();
        write(&place, every(2), 10..12);
        let report = place.verify_whole();
        let keeps_the_third = cut >= whole.len() - 1;
        assert_eq!(
            report.events,
            4 + u64::from(keeps_the_third),
            "cut at {cut}"
        );
        assert_eq!(
            report.torn,
            u64::from(start < cut && !keeps_the_third),
            "cut at {cut}"
        );
        assert!(fs::read(place.log()).unwrap().starts_with(&whole[..cut]));
    }
}

#[test]
fn a_chain_goes_on_when_its_newest_file_is_empty_or_gone() {
    let place = Place::new();
    let rotation = Rotation::new().max_bytes(NonZero::new(1).unwrap());
    for (n, is_gone) in [(0, false), (1, true), (2, false)] {
        let sink = builder()
            .chain(Chaining::new())
            .rotation(rotation)
            .file(&place.log())
            .unwrap();
        sink.on_call(&event(n));
        drop(sink);
        assert_eq!(fs::read(place.log()).unwrap(), b"");
        if is_gone {
            fs::remove_file(place.log()).unwrap();
        }
    }
    assert_eq!(place.verify_whole().events, 3);
}

#[test]
fn retention_leaves_a_chain_that_begins_later() {
    let place = Place::new();
    let sink = builder()
        .chain(every(3))
        .rotation(Rotation::new().max_bytes(NonZero::new(1).unwrap()))
        .retention(Retention::new().max_segments(NonZero::new(4).unwrap()))
        .file(&place.log())
        .unwrap();
    (0..10).for_each(|n| sink.on_call(&event(n)));
    sink.shutdown(PATIENCE).unwrap();
    let report = place.verify(&VerifyOptions::new().key(public_key()));
    assert!(report.broken.is_none(), "{:?}", report.broken);
    assert_eq!(report.chain.unwrap().first_seq, 7);
}

#[test]
fn a_log_with_a_chain_is_not_written_to_without() {
    let place = Place::new();
    write(&place, Chaining::new(), 0..1);
    let refused = JsonLinesAuditSink::file(&place.log()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("break the chain"), "{refused}");
}

#[test]
fn a_chain_may_begin_behind_lines_without() {
    let place = Place::new();
    let sink = JsonLinesAuditSink::file(&place.log()).unwrap();
    sink.on_call(&event(0));
    drop(sink);
    write(&place, Chaining::new(), 1..4);
    let strictly = VerifyOptions::new().chained(true);
    assert!(place.verify(&strictly).broken.is_some());
    let report = place.verify(&strictly.unchained_start(true));
    assert!(report.broken.is_none(), "{:?}", report.broken);
    assert_eq!(report.chain.unwrap().unchained_before, 1);
}

/// A6, on a log as it is written: the first bad line is named, whichever of
/// 10,000 lines is edited, removed, swapped or put in.
#[test]
fn every_change_to_a_written_log_is_found() {
    let place = Place::new();
    let sink = builder()
        .capacity(20_000)
        .chain(Chaining::new())
        .file(&place.log())
        .unwrap();
    (0..10_000).for_each(|n| sink.on_call(&event(n)));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 10_000, 0));
    let text = fs::read_to_string(place.log()).unwrap();
    let lines: Vec<&str> = text.lines().collect();

    let check = |changed: Vec<String>, line: usize, what: &str| {
        fs::write(place.log(), changed.join("\n") + "\n").unwrap();
        let report = place.verify(&VerifyOptions::new().complete(true));
        let broken = report.broken.unwrap_or_else(|| panic!("{what} at {line}"));
        assert_eq!(broken.at.unwrap().line(), Some(line as u64), "{what}");
    };
    let owned = || {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    for line in [1, 2, 3, 4_999, 9_998, 9_999] {
        let mut edited = owned();
        edited[line - 1] = edited[line - 1].replace("\"alice\"", "\"mallo\"");
        check(edited, line, "an edit");
        let mut removed = owned();
        removed.remove(line - 1);
        check(removed, line, "a removal");
        let mut swapped = owned();
        swapped.swap(line - 1, line);
        check(swapped, line, "a swap");
        let mut doubled = owned();
        doubled.insert(line, doubled[line - 1].clone());
        check(doubled, line + 1, "an insertion");
    }
    assert_eq!(
        AuditLog::open(place.log()).unwrap().records().count(),
        10_001
    );
}
