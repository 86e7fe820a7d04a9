//! A log that is followed while it grows.

use std::fs;

use atd_audit::{Follow, Problem, Record};

use super::support::{Place, Sealer, name, rotated};

fn events(follow: &mut Follow) -> Vec<u64> {
    let records = std::iter::from_fn(|| follow.poll().unwrap());
    records.filter_map(|record| name(&record)).collect()
}

#[test]
fn what_is_appended_is_seen_once_it_is_whole() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..5).concat());
    let mut follow = place.log().follow(2).unwrap();
    assert_eq!(events(&mut follow), [3, 4]);
    let line = sealer.line_with(5, "");
    for piece in line.as_bytes().chunks(50) {
        assert!(events(&mut follow).is_empty());
        place.append(piece);
    }
    assert_eq!(events(&mut follow), [5]);
}

#[test]
fn a_follower_goes_on_over_any_number_of_rotations() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..5).concat());
    place.rotate(1);
    place.append(sealer.lines(5..10).concat());
    let mut follow = place.log().follow(0).unwrap();
    assert!(events(&mut follow).is_empty());
    for n in 2..5 {
        place.append(sealer.line_with(u64::from(n) * 10, ""));
        place.rotate(n);
    }
    // Renamed, and nothing written behind it yet.
    assert_eq!(events(&mut follow), [20]);
    place.append(sealer.line_with(50, ""));
    assert_eq!(events(&mut follow), [30, 40, 50]);
    place.append(sealer.line_with(60, ""));
    assert_eq!(events(&mut follow), [60]);
}

#[test]
fn a_follower_goes_on_when_its_segment_was_deleted() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..5).concat());
    place.rotate(1);
    place.append(sealer.line_with(5, ""));
    let mut follow = place.log().follow(0).unwrap();
    assert!(events(&mut follow).is_empty());
    place.append(sealer.line_with(6, ""));
    place.rotate(2);
    fs::remove_file(place.path(&rotated(2))).unwrap();
    place.append(sealer.line_with(7, ""));
    assert_eq!(events(&mut follow), [6, 7]);
}

#[test]
fn a_file_that_is_cut_and_written_anew_is_read_from_its_start() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..5).concat());
    let mut follow = place.log().follow(1).unwrap();
    assert_eq!(events(&mut follow), [4]);
    place.write("audit.jsonl", sealer.line_with(5, ""));
    assert_eq!(events(&mut follow), [5]);
}

#[test]
fn the_torn_end_of_a_segment_is_told_when_it_is_rotated() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..1).concat());
    let mut follow = place.log().follow(0).unwrap();
    place.append("{\"ts\":");
    assert!(follow.poll().unwrap().is_none());
    place.rotate(1);
    place.append(sealer.line_with(1, ""));
    let Some(Record::Bad(torn)) = follow.poll().unwrap() else {
        unreachable!("the torn line comes first");
    };
    assert_eq!(torn.problem, Problem::Torn);
    assert_eq!(events(&mut follow), [1]);
}
