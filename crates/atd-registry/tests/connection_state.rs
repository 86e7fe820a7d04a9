//! What tools keep from call to call.

use atd_registry::{ConnectionState, FileStamp, ReadTracker, StaleRead};

fn stamp(length: u64) -> FileStamp {
    FileStamp {
        inode: 1,
        modified_nanos: 1,
        length,
    }
}

#[test]
fn each_type_has_one_value_that_all_clones_share() {
    let state = ConnectionState::default();
    let clone = state.clone();
    state.of::<ReadTracker>().note("a", stamp(1));
    assert_eq!(clone.of::<ReadTracker>().check("a", stamp(1)), Ok(()));
    assert_eq!(*state.get_or_make(|| 7_u32), 7);
    assert_eq!(*clone.get_or_make(|| 8_u32), 7);
    assert_eq!(*clone.get_or_make(|| 8_u64), 8);
    let shown = format!("{state:?}");
    assert!(
        shown.contains("ReadTracker") && !shown.contains("\"a\""),
        "{shown}"
    );
}

#[test]
fn a_tracker_forgets_what_was_read_longest_ago_and_stays_small() {
    let tracker = ReadTracker::default();
    for n in 0..100_000 {
        tracker.note(format!("file {n}"), stamp(n));
    }
    tracker.note("file 99000", stamp(1));
    let known = |n: u64| tracker.check(format!("file {n}"), stamp(n)).is_ok();
    assert!(known(99_999) && known(98_500));
    assert_eq!(tracker.check("file 0", stamp(0)), Err(StaleRead::NeverRead));
    assert_eq!(
        tracker.check("file 99000", stamp(99_000)),
        Err(StaleRead::ChangedSince)
    );
    assert!((0..100_000).filter(|n| known(*n)).count() <= 4096);
}
