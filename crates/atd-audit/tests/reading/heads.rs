//! The newest end of a log.

use super::support::{Place, Sealer, name};

#[test]
fn the_head_is_that_of_the_newest_whole_line() {
    let mut sealer = Sealer::signing_every(5);
    let place = Place::with(sealer.lines(0..10).concat());
    let head = place.log().head().unwrap().unwrap();
    assert_eq!((head.seq(), head.chain()), (10, sealer.head().chain()));
    assert!(head.signature().is_some());

    for behind in ["{\"ts\":\"19", "{\"ts\":\"19\n", "\n\n"] {
        let place = Place::with(sealer.lines(10..11).concat());
        place.append(behind);
        let found = place.log().head().unwrap().unwrap();
        assert_eq!(found.chain(), sealer.head().chain(), "{behind:?}");
    }
}

#[test]
fn the_head_of_a_segment_that_is_empty_yet_is_in_the_one_before() {
    let mut sealer = Sealer::unsigned();
    let place = Place::with(sealer.lines(0..3).concat());
    place.rotate(1);
    place.append("");
    assert_eq!(place.log().head().unwrap(), Some(sealer.head()));
}

#[test]
fn a_log_without_a_chain_has_no_head() {
    let line = serde_json::to_string(&super::support::event(1)).unwrap();
    let place = Place::with(format!("{line}\n"));
    assert_eq!(place.log().head().unwrap(), None);
}

#[test]
fn the_newest_lines_are_found_from_the_end_over_segments() {
    let mut sealer = Sealer::unsigned();
    let place = Place::new();
    // The lines of a segment are more than one block of the reader.
    place.append(sealer.lines(0..1000).concat());
    place.rotate(1);
    place.append(sealer.lines(1000..2000).concat());
    place.append("\n\n{\"ts\":");
    for count in [0, 1, 10, 999, 1000, 1001, 1500, 2000, 5000] {
        let newest = place.log().newest(count).unwrap();
        let names: Vec<u64> = newest.filter_map(|it| name(&it.unwrap())).collect();
        let from = 2000_u64.saturating_sub(count);
        assert_eq!(names, Vec::from_iter(from..2000), "{count}");
    }
}
