//! Rotation, retention, restarts.

use std::fs;

use atd_audit::{AuditLog, Fault, ReadError, VerifyOptions};

use super::support::{Place, Sealer, broken_at, rotated};

/// 50 events in four rotated segments and the active one.
fn five_segments(sealer: &mut Sealer) -> Place {
    let place = Place::new();
    for n in 0..5 {
        let from = u64::from(n) * 10;
        place.append(sealer.lines(from..from + 10).concat());
        if n < 4 {
            place.rotate(n);
        }
    }
    place
}

#[test]
fn a_chain_goes_on_over_segments() {
    let mut sealer = Sealer::signing_every(10);
    let place = five_segments(&mut sealer);
    assert_eq!(place.events(), Vec::from_iter(0..50));

    let options = VerifyOptions::new().complete(true).key(sealer.public_key());
    let report = place.verify(&options);
    assert_eq!(
        (report.segments, report.events, &report.broken),
        (5, 50, &None)
    );
    assert_eq!(report.first_ts.unwrap(), "1970-01-01T00:00:00.000000Z");
    assert_eq!(report.last_ts.unwrap(), "1970-01-01T00:00:49.000000Z");
    assert_eq!(report.signatures.checked, 5);
    assert_eq!(report.signatures.signed_through, Some(50));
    let chain = report.chain.unwrap();
    assert_eq!((chain.first_seq, chain.last.seq()), (1, 50));
    assert!(chain.is_start_checked);
}

#[test]
fn a_segment_taken_out_of_the_middle_or_swapped_is_found() {
    let place = five_segments(&mut Sealer::unsigned());
    fs::remove_file(place.path(&rotated(2))).unwrap();
    let report = place.verify(&VerifyOptions::new());
    assert_eq!(broken_at(&report), Some((rotated(3), 1)));
    let (expected, found) = (21, 31);
    assert_eq!(
        report.broken.unwrap().fault,
        Fault::SeqJump { expected, found }
    );

    let place = five_segments(&mut Sealer::unsigned());
    fs::rename(place.path(&rotated(1)), place.path("held")).unwrap();
    fs::rename(place.path(&rotated(2)), place.path(&rotated(1))).unwrap();
    fs::rename(place.path("held"), place.path(&rotated(2))).unwrap();
    let report = place.verify(&VerifyOptions::new());
    assert_eq!(broken_at(&report), Some((rotated(1), 1)));
}

#[test]
fn a_log_that_retention_trimmed_is_verified_from_its_first_line_on() {
    let mut sealer = Sealer::unsigned();
    let place = Place::new();
    place.append(sealer.lines(0..10).concat());
    let trimmed = sealer.head();
    place.rotate(0);
    place.append(sealer.lines(10..20).concat());
    fs::remove_file(place.path(&rotated(0))).unwrap();

    let report = place.verify(&VerifyOptions::new());
    assert!(report.is_sound());
    let chain = report.chain.unwrap();
    assert_eq!((chain.first_seq, chain.is_start_checked), (11, false));

    // With the head right before it, that line is checked as well.
    let options = VerifyOptions::new().expect(trimmed);
    let chain = place.verify(&options).chain.unwrap();
    assert!(chain.is_start_checked);
    assert_eq!((chain.heads_found, chain.heads_not_found), (1, 0));

    let whole = fs::read_to_string(place.path("audit.jsonl")).unwrap();
    place.write("audit.jsonl", whole.replacen("alice", "malory", 1));
    assert_eq!(
        broken_at(&place.verify(&options)),
        Some(("audit.jsonl".to_owned(), 1))
    );
    let first = place.verify(&VerifyOptions::new().complete(true)).broken;
    let (expected, found) = (1, 11);
    assert_eq!(first.unwrap().fault, Fault::SeqJump { expected, found });
}

#[test]
fn a_head_from_before_what_retention_left_is_told_as_not_found() {
    let mut sealer = Sealer::unsigned();
    let _ = sealer.lines(0..3);
    let early = sealer.head();
    let _ = sealer.lines(3..10);
    let place = Place::with(sealer.lines(10..20).concat());
    let report = place.verify(&VerifyOptions::new().expect(early).expect(sealer.head()));
    assert!(report.is_sound());
    let chain = report.chain.unwrap();
    assert_eq!((chain.heads_found, chain.heads_not_found), (1, 1));
}

#[test]
fn a_log_of_rotated_segments_only_is_read() {
    let place = five_segments(&mut Sealer::unsigned());
    fs::remove_file(place.path("audit.jsonl")).unwrap();
    assert_eq!(place.events().len(), 40);
}

#[test]
fn a_rotation_after_opening_neither_doubles_nor_hides_a_line() {
    let mut sealer = Sealer::unsigned();
    let place = five_segments(&mut sealer);
    let log = place.log();
    place.rotate(4);
    place.append(sealer.lines(50..60).concat());
    assert_eq!(log.records().count(), 50);
    assert_eq!(place.events(), Vec::from_iter(0..60));
    // Retention may take the oldest ones.
    fs::remove_file(place.path(&rotated(0))).unwrap();
    assert_eq!(log.records().count(), 40);
}

#[test]
fn what_is_no_log_is_an_error_that_says_so() {
    let place = Place::new();
    let open = |name| AuditLog::open(place.path(name)).unwrap_err();
    assert!(matches!(open("audit.jsonl"), ReadError::NoLog { .. }));
    assert!(matches!(open("no/such/place"), ReadError::NoLog { .. }));
    assert!(matches!(open(""), ReadError::NotAFile { .. }));
}

#[test]
fn an_empty_log_holds_nothing_and_is_sound() {
    let place = Place::with("");
    let report = place.verify(&VerifyOptions::new());
    assert_eq!(
        (report.events, &report.chain, &report.broken),
        (0, &None, &None)
    );
    assert_eq!(place.log().head().unwrap(), None);
    assert_eq!(place.log().newest(5).unwrap().count(), 0);
}
