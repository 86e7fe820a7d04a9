//! Segments: when one ends, what it is called, how long it is kept.

use std::{
    fs,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use atd_audit::{AuditSink, Backpressure, Chaining, Durability, Retention, Rotation};

use crate::support::{PATIENCE, Place, account, builder, event};

const FOR_EVER: Backpressure = Backpressure::Block { at_most: None };

fn bytes(n: u64) -> Rotation {
    Rotation::new().max_bytes(NonZero::new(n).unwrap())
}

/// A clock that a test sets, in seconds.
#[derive(Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    fn turn_to(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static + use<> {
        let hands = self.0.clone();
        move || UNIX_EPOCH + Duration::from_secs(hands.load(Ordering::SeqCst))
    }
}

#[test]
fn a_segment_ends_with_the_line_that_reaches_its_size() {
    let place = Place::new();
    let sink = builder().rotation(bytes(1_000)).file(&place.log()).unwrap();
    for n in 0..20 {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    }
    drop(sink);
    assert_eq!(place.numbers(), (0..20).collect::<Vec<_>>());
    let names = place.names();
    assert!(names.len() > 4, "{names:?}");
    assert!(names.contains(&"audit.jsonl".to_owned()));
    for name in names.iter().filter(|name| *name != "audit.jsonl") {
        let length = fs::metadata(place.path(name)).unwrap().len();
        assert!((1_000..1_400).contains(&length), "{name}: {length}");
        assert!(
            name.starts_with("audit-2") && name.ends_with("Z.jsonl"),
            "{name}"
        );
    }
}

#[test]
fn one_batch_may_fill_many_segments() {
    let place = Place::new();
    let sink = builder()
        .capacity(10_000)
        .rotation(bytes(1_000))
        .chain(Chaining::new())
        .file(&place.log())
        .unwrap();
    (0..5_000).for_each(|n| sink.on_call(&event(n)));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 5_000, 0));
    let report = place.verify_whole();
    assert_eq!(report.events, 5_000);
    assert!(report.segments > 1_000);
}

#[test]
fn a_segment_ends_with_the_first_event_after_its_age() {
    let place = Place::new();
    let hands = Hands::at(1_750_000_000);
    let sink = builder()
        .rotation(Rotation::new().max_age(Duration::from_secs(3_600)))
        .clock(hands.clock())
        .file(&place.log())
        .unwrap();
    // The file was made by the system's clock: let that segment end first.
    hands.turn_to(4_000_000_000);
    sink.on_call(&event(0));
    // It does what it was asked to in turn: the rotation is over then.
    sink.reopen(PATIENCE).unwrap();
    for (n, at) in [(1, 4_000_003_599), (2, 4_000_003_600), (3, 4_000_003_601)] {
        hands.turn_to(at);
        sink.on_call(&event(n));
        sink.reopen(PATIENCE).unwrap();
    }
    drop(sink);
    assert_eq!(
        place.names(),
        [
            "audit-20961002T070640000000Z.jsonl",
            "audit-20961002T080640000000Z.jsonl",
            "audit.jsonl"
        ]
    );
    let of_the_second = fs::read_to_string(place.path(&place.names()[1])).unwrap();
    assert_eq!(of_the_second.lines().count(), 2);
    assert_eq!(place.numbers(), [0, 1, 2, 3]);
}

#[test]
fn names_are_in_order_though_the_clock_is_set_back() {
    let place = Place::new();
    let hands = Hands::at(2_000_000_000);
    let sink = builder()
        .rotation(bytes(1))
        .clock(hands.clock())
        .file(&place.log())
        .unwrap();
    for (n, at) in [
        (0, 2_000_000_000),
        (1, 2_000_000_000),
        (2, 1_000_000_000),
        (3, 2_000_000_001),
    ] {
        hands.turn_to(at);
        sink.on_call(&event(n));
        // It does what it was asked to in turn: the rotation is over then.
        sink.reopen(PATIENCE).unwrap();
    }
    drop(sink);
    assert_eq!(
        place.numbers(),
        [0, 1, 2, 3],
        "the reader takes them in order"
    );
    assert_eq!(
        place.names(),
        [
            "audit-20330518T033320000000Z-001.jsonl",
            "audit-20330518T033320000000Z-002.jsonl",
            "audit-20330518T033320000000Z.jsonl",
            "audit-20330518T033321000000Z.jsonl",
            "audit.jsonl"
        ]
    );
}

#[test]
fn the_oldest_segments_are_deleted_by_number() {
    let place = Place::new();
    let open = |segments: usize| {
        builder()
            .rotation(bytes(1))
            .retention(Retention::new().max_segments(NonZero::new(segments).unwrap()))
            .file(&place.log())
            .unwrap()
    };
    let sink = open(3);
    (0..10).for_each(|n| {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    });
    drop(sink);
    assert_eq!(place.numbers(), [7, 8, 9]);
    // A tighter rule holds from the start.
    drop(open(1));
    assert_eq!(place.numbers(), [9]);
}

#[test]
fn the_oldest_segments_are_deleted_by_size() {
    let place = Place::new();
    fs::write(place.path("audit-other.jsonl"), "not a segment").unwrap();
    let one = serde_json::to_string(&event(0)).unwrap().len() as u64 + 1;
    let sink = builder()
        .rotation(bytes(1))
        .retention(Retention::new().max_total_bytes(NonZero::new(4 * one).unwrap()))
        .file(&place.log())
        .unwrap();
    for n in 0..10 {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    }
    drop(sink);
    assert_eq!(place.numbers(), [6, 7, 8, 9]);
    assert!(place.path("audit-other.jsonl").exists());
}

/// A7: 50 rotations at full speed: nothing lost, nothing twice.
#[test]
fn fifty_rotations_at_full_speed_lose_nothing_and_double_nothing() {
    for durability in [
        Durability::Buffered,
        Durability::Interval(Duration::from_millis(1)),
    ] {
        let place = Place::new();
        let sink = builder()
            .backpressure(FOR_EVER)
            .durability(durability)
            .chain(Chaining::new())
            .rotation(bytes(64 * 1024))
            .file(&place.log())
            .unwrap();
        const EACH: u64 = 3_000;
        thread::scope(|scope| {
            for producer in 0..4 {
                let sink = &sink;
                scope.spawn(move || {
                    (0..EACH).for_each(|n| sink.on_call(&event(producer * EACH + n)));
                });
            }
        });
        sink.shutdown(PATIENCE).unwrap();
        assert_eq!(account(&sink), (0, 4 * EACH, 0));
        let report = place.verify_whole();
        assert!(report.segments > 50, "{} segments", report.segments);
        let mut numbers = place.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..4 * EACH).collect::<Vec<_>>());
    }
}

#[test]
fn a_rotation_that_a_crash_cut_short_is_taken_back() {
    let place = Place::new();
    let open = || builder().chain(Chaining::new()).file(&place.log()).unwrap();
    let sink = open();
    sink.on_call(&event(0));
    drop(sink);
    // The file had its second name, and the next one stood ready.
    fs::hard_link(
        place.log(),
        place.path("audit-20250615T150640000042Z.jsonl"),
    )
    .unwrap();
    fs::write(place.path("audit.jsonl.next"), "").unwrap();

    let sink = open();
    sink.on_call(&event(1));
    drop(sink);
    assert_eq!(place.names(), ["audit.jsonl"]);
    assert_eq!(place.verify_whole().events, 2);
}

#[test]
fn a_rotation_that_a_crash_cut_short_later_is_gone_on_with() {
    let place = Place::new();
    let open = || builder().chain(Chaining::new()).file(&place.log()).unwrap();
    let sink = open();
    sink.on_call(&event(0));
    drop(sink);
    // The file had its second name and had lost its first.
    fs::rename(
        place.log(),
        place.path("audit-20250615T150640000042Z.jsonl"),
    )
    .unwrap();

    let sink = open();
    sink.on_call(&event(1));
    drop(sink);
    assert_eq!(place.numbers(), [0, 1]);
    assert_eq!(place.verify_whole().events, 2);
}

#[test]
fn what_is_no_regular_file_cannot_be_rotated_or_synced() {
    for builder in [
        builder().rotation(bytes(1)),
        builder().durability(Durability::Sync),
    ] {
        let refused = builder.file("/dev/null".as_ref()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
        assert!(refused.to_string().contains("no regular file"), "{refused}");
    }
}
