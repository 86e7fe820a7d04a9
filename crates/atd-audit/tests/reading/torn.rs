//! What a crash leaves.

use atd_audit::{Fault, Problem, Record, VerifyOptions};

use super::support::{Place, Sealer, broken_at};

fn problems(place: &Place) -> Vec<Problem> {
    let bad = place
        .records()
        .into_iter()
        .filter_map(|record| match record {
            Record::Bad(line) => Some(line.problem),
            _ => None,
        });
    bad.collect()
}

/// A5: a last line cut at every byte, with a name that holds characters of
/// several bytes, and a newline and the next line behind it.
#[test]
fn a_line_cut_at_any_byte_is_told_as_torn_and_no_event() {
    let mut sealer = Sealer::unsigned();
    let first = sealer.line_with(1, "");
    let torn = Sealer::unsigned().line_with(9, ",\"note\":\"žluťoučký\"");
    let next = sealer.line_with(2, ",\"lost_before\":1");
    let torn = torn.trim_end().as_bytes();
    for cut in 1..torn.len() {
        let log = [first.as_bytes(), &torn[..cut], b"\n", next.as_bytes()].concat();
        let place = Place::with(log);
        assert_eq!(problems(&place), [Problem::Torn], "{cut}");
        assert_eq!(place.events(), [1, 2], "{cut}");

        let report = place.verify(&VerifyOptions::new().complete(true));
        assert_eq!(report.broken, None, "{cut}");
        assert_eq!((report.torn, report.lost, report.gaps), (1, 1, 1));
        assert_eq!(report.first_torn.unwrap().line(), Some(2));
    }
}

/// A5: the same where the segment that was cut is not the active one.
#[test]
fn the_torn_end_of_a_rotated_segment_is_told_and_what_follows_is_read() {
    let mut sealer = Sealer::unsigned();
    let place = Place::new();
    let first = sealer.line_with(1, "");
    place.write(&super::support::rotated(1), format!("{first}{{\"ts\":\"19"));
    place.append(sealer.line_with(2, ""));
    assert_eq!(problems(&place), [Problem::Torn]);
    assert_eq!(place.events(), [1, 2]);
    assert!(place.verify(&VerifyOptions::new()).is_sound());
}

/// A5: a line that is being written is not torn yet.
#[test]
fn the_last_line_of_the_active_segment_is_unfinished_and_not_torn() {
    let mut sealer = Sealer::unsigned();
    let first = sealer.line_with(1, "");
    let second = sealer.line_with(2, "");
    for cut in 1..second.len() {
        let place = Place::with(format!("{first}{}", &second[..cut]));
        assert_eq!(problems(&place), [Problem::Unfinished], "{cut}");
        let report = place.verify(&VerifyOptions::new());
        assert_eq!((report.torn, report.is_sound()), (0, true));
        assert_eq!(report.unfinished.unwrap().line(), Some(2));
        place.append(&second[cut..]);
        assert_eq!(place.events(), [1, 2]);
    }
}

#[test]
fn zeros_that_a_file_system_left_are_torn_too() {
    let mut sealer = Sealer::unsigned();
    let first = sealer.line_with(1, "");
    let next = sealer.line_with(2, "");
    for torn in ["\0\0\0", "{\"ts\":\"19\0\0\0"] {
        let place = Place::with(format!("{first}{torn}\n{next}"));
        assert_eq!(problems(&place), [Problem::Torn]);
        assert!(place.verify(&VerifyOptions::new()).is_sound());
    }
}

#[test]
fn a_line_of_the_chain_that_was_made_to_look_torn_is_found() {
    let mut sealer = Sealer::unsigned();
    let lines = sealer.lines(0..3);
    let made = [&lines[0], &lines[1][..20], "\n", &lines[2]].concat();
    let report = Place::with(made).verify(&VerifyOptions::new());
    assert_eq!(broken_at(&report), Some(("audit.jsonl".to_owned(), 2)));
    assert_eq!(report.broken.unwrap().fault, Fault::Line(Problem::Torn));
}

#[test]
fn empty_lines_are_skipped() {
    let mut sealer = Sealer::unsigned();
    let log = format!(
        "\n{}\n\r\n{}\n",
        sealer.line_with(1, ""),
        sealer.line_with(2, "")
    );
    let place = Place::with(log);
    assert_eq!((place.events(), problems(&place)), (vec![1, 2], vec![]));
    assert!(place.verify(&VerifyOptions::new()).is_sound());
}
