//! Where several things go wrong at once.

use std::{
    fs,
    io::{self, ErrorKind},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use atd_audit::{
    AuditError, AuditSink, Backpressure, Chaining, Durability, FileFaults, FileOperation,
    JsonLinesAuditSink, Retention, Rotation, Strict, VerifyOptions,
};

use crate::support::{PATIENCE, Place, account, builder, event, events_in};

const FOR_EVER: Backpressure = Backpressure::Block { at_most: None };

fn each_its_segment() -> Rotation {
    Rotation::new().max_bytes(NonZero::new(1).unwrap())
}

/// A call that was told that it may begin is on record, whatever ends then.
#[test]
fn a_start_that_races_with_the_end_is_refused_or_kept() {
    for _ in 0..50 {
        let place = Place::in_memory();
        let sink = builder().strict(Strict::new()).file(&place.log()).unwrap();
        let begun = thread::scope(|scope| {
            let begin = |n: u64| {
                let sink = &sink;
                scope.spawn(move || {
                    let of_mine = (0..20).map(|m| n * 100 + m);
                    of_mine
                        .filter(|n| sink.on_start(&event(*n)).is_ok())
                        .count()
                })
            };
            let begun: Vec<_> = (0..4).map(begin).collect();
            sink.shutdown(PATIENCE).unwrap();
            begun
                .into_iter()
                .map(|one| one.join().unwrap())
                .sum::<usize>()
        });
        drop(sink);
        drop(builder().strict(Strict::new()).file(&place.log()).unwrap());
        assert_eq!(place.numbers().len(), begun);
    }
}

#[test]
fn a_call_needs_an_id_by_which_it_is_found_again() {
    let place = Place::new();
    let sink = builder().strict(Strict::new()).file(&place.log()).unwrap();
    for id in ["", "a\nb", "a\"b", "é", &"x".repeat(129)] {
        let mut start = event(0);
        start.call_id = id.to_owned();
        assert!(
            matches!(sink.on_start(&start), Err(AuditError::CallId)),
            "{id:?}"
        );
    }
}

/// What logrotate does to a strict log, and a kill after that.
#[test]
fn a_log_that_was_renamed_and_left_is_not_made_good_again() {
    let place = Place::new();
    let sink = builder().strict(Strict::new()).file(&place.log()).unwrap();
    sink.on_start(&event(0)).unwrap();
    sink.on_call(&event(0));
    sink.flush(PATIENCE).unwrap();
    fs::rename(place.log(), place.path("audit.jsonl.1")).unwrap();
    sink.reopen(PATIENCE).unwrap();
    let after = Place::new();
    for name in place.names() {
        fs::copy(place.path(&name), after.path(&name)).unwrap();
    }
    drop(builder().strict(Strict::new()).file(&after.log()).unwrap());
    assert_eq!(after.numbers(), [] as [u64; 0]);
}

/// Fails syncs of the log, and not those of the journal.
struct LogSyncs(AtomicBool);

impl FileFaults for LogSyncs {
    fn before(&self, operation: FileOperation) -> io::Result<usize> {
        let is_log = thread::current().name() == Some("atd-audit");
        if is_log && operation == FileOperation::Sync && self.0.load(Ordering::SeqCst) {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(usize::MAX)
    }
}

/// A2: an event that a failed sync put in doubt stays in the journal, and no
/// call begins until a sync succeeds.
#[test]
fn a_call_whose_record_is_in_doubt_is_not_forgotten() {
    let place = Place::in_memory();
    let faults = Arc::new(LogSyncs(AtomicBool::new(false)));
    let sink = builder()
        .strict(Strict::new())
        .durability(Durability::Interval(Duration::ZERO))
        .faults(faults.clone())
        .file(&place.log())
        .unwrap();
    sink.on_start(&event(0)).unwrap();
    faults.0.store(true, Ordering::SeqCst);
    sink.on_call(&event(0));
    while sink.drops() == 0 {
        thread::yield_now();
    }
    for _ in 0..100 {
        assert!(matches!(
            sink.on_start(&event(1)),
            Err(AuditError::Failing { .. })
        ));
    }
    // Its lines are on a disk that lost them.
    sink.shutdown(PATIENCE).unwrap_err();
    for name in place.names().iter().filter(|name| name.ends_with(".jsonl")) {
        fs::write(place.path(name), "").unwrap();
    }
    drop(builder().strict(Strict::new()).file(&place.log()).unwrap());
    assert_eq!(place.events().len(), 1);
}

/// A sync that fails for long does not fill the directory.
#[test]
fn a_sync_that_goes_on_failing_makes_no_heap_of_files() {
    let place = Place::in_memory();
    let faults = Arc::new(LogSyncs(AtomicBool::new(true)));
    let sink = builder()
        .durability(Durability::Sync)
        .faults(faults.clone())
        .file(&place.path("other.jsonl"));
    // Opening syncs from this thread, which does not fail.
    let sink = sink.unwrap();
    (0..100).for_each(|n| sink.on_call(&event(n)));
    assert_eq!(account(&sink), (0, 0, 100));
    assert!(place.names().len() <= 3, "{:?}", place.names());
}

#[test]
fn a_foreign_file_that_ends_in_a_torn_line_swallows_no_event() {
    let place = Place::new();
    let sink = builder()
        .rotation(each_its_segment())
        .file(&place.log())
        .unwrap();
    fs::remove_file(place.log()).unwrap();
    fs::write(place.log(), "{\"torn").unwrap();
    for n in 0..3 {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    }
    sink.shutdown(PATIENCE).unwrap();
    // The first went into the file that was taken away.
    assert_eq!(place.numbers(), [1, 2]);
}

#[test]
fn a_log_behind_a_link_is_rotated_where_the_file_is() {
    let place = Place::new();
    let there = place.path("there");
    fs::create_dir(&there).unwrap();
    std::os::unix::fs::symlink(there.join("real.jsonl"), place.log()).unwrap();
    let sink = builder()
        .rotation(each_its_segment())
        .retention(Retention::new().max_segments(NonZero::new(2).unwrap()))
        .file(&place.log())
        .unwrap();
    for n in 0..5 {
        sink.on_call(&event(n));
        sink.flush(PATIENCE).unwrap();
    }
    sink.shutdown(PATIENCE).unwrap();
    assert!(fs::symlink_metadata(place.log()).unwrap().is_symlink());
    assert_eq!(place.names(), ["audit.jsonl", "there"]);
    assert_eq!(events_in(&place.log()).len(), 2, "read behind the link too");
}

#[test]
fn a_foreign_line_does_not_bring_numbers_back() {
    let place = Place::new();
    let write = |n| {
        let sink = builder().chain(Chaining::new()).file(&place.log()).unwrap();
        sink.on_call(&event(n));
        drop(sink);
    };
    write(0);
    let mut log = fs::read_to_string(place.log()).unwrap();
    log.push_str("{}\n");
    fs::write(place.log(), log).unwrap();
    write(1);
    let log = fs::read_to_string(place.log()).unwrap();
    assert!(log.lines().last().unwrap().contains("\"seq\":2,"), "{log}");
}

#[test]
fn a_chain_does_not_go_on_in_a_file_with_another() {
    let place = Place::new();
    let other = Place::new();
    let write = |place: &Place, n| {
        let sink = builder().chain(Chaining::new()).file(&place.log()).unwrap();
        sink.on_call(&event(n));
        sink
    };
    drop(write(&other, 0));
    for sink in [
        write(&place, 1),
        JsonLinesAuditSink::file(&place.path("plain.jsonl")).unwrap(),
    ] {
        sink.flush(PATIENCE).unwrap();
        let log = if sink.head().is_some() {
            place.log()
        } else {
            place.path("plain.jsonl")
        };
        fs::remove_file(&log).unwrap();
        fs::copy(other.log(), &log).unwrap();
        let refused = sink.reopen(PATIENCE);
        assert!(
            matches!(refused, Err(AuditError::NotReopened { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn retention_keeps_the_segment_from_which_the_chain_goes_on() {
    let place = Place::new();
    for n in 0..3 {
        let sink = builder()
            .chain(Chaining::new())
            .rotation(each_its_segment())
            .retention(Retention::new().max_total_bytes(NonZero::<u64>::MIN))
            .file(&place.log())
            .unwrap();
        sink.on_call(&event(n));
        drop(sink);
    }
    assert_eq!(
        place
            .verify(&VerifyOptions::new())
            .chain
            .unwrap()
            .last
            .seq(),
        3
    );
}

#[test]
fn a_refused_opening_deletes_nothing_and_a_file_of_the_users_is_no_journal() {
    let place = Place::new();
    let sink = builder()
        .chain(Chaining::new())
        .rotation(each_its_segment())
        .file(&place.log())
        .unwrap();
    (0..3).for_each(|n| sink.on_call(&event(n)));
    drop(sink);
    let one = Retention::new().max_segments(NonZero::new(1).unwrap());
    builder().retention(one).file(&place.log()).unwrap_err();
    assert_eq!(place.numbers(), [0, 1, 2]);

    let precious = place.path("notes.txt");
    fs::write(&precious, "not a journal\n").unwrap();
    let refused = builder()
        .chain(Chaining::new())
        .strict(Strict::new().journal(&precious))
        .file(&place.log())
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidData);
    assert_eq!(fs::read(&precious).unwrap(), b"not a journal\n");
}

#[test]
fn a_call_that_may_wait_so_long_waits_no_longer_for_the_disk() {
    let place = Place::in_memory();
    let faults = Arc::new(LogSyncs(AtomicBool::new(true)));
    let at_most = Some(Duration::from_millis(5));
    let sink = builder()
        .backpressure(Backpressure::Block { at_most })
        .durability(Durability::Sync)
        .faults(faults.clone())
        .file(&place.log())
        .unwrap();
    sink.on_call(&event(0));
    assert_eq!(account(&sink), (1, 0, 0), "it is tried on");
    faults.0.store(false, Ordering::SeqCst);
    sink.shutdown(PATIENCE).ok();
    assert_eq!(sink.health().submitted(), 1);
}

/// One operation in five fails, by a die.
struct Dice(AtomicU64);

impl FileFaults for Dice {
    fn before(&self, operation: FileOperation) -> io::Result<usize> {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        match (mixed >> 32) % 25 {
            0..4 => Err(io::Error::from_raw_os_error(5)),
            4 if operation == FileOperation::Write => Ok(3),
            _ => Ok(usize::MAX),
        }
    }
}

/// A2, at random: whatever fails, and however often, the account is right,
/// nothing is there twice, and the chain is whole.
#[test]
fn a_disk_that_fails_at_random_breaks_neither_chain_nor_account() {
    let rounds = if std::env::var_os("ATD_LONG").is_some() {
        1_000
    } else {
        60
    };
    for seed in 0..rounds {
        let durability = [
            Durability::Buffered,
            Durability::Sync,
            Durability::Interval(Duration::from_millis(1)),
        ][seed as usize % 3];
        let backpressure = if seed % 2 == 0 {
            FOR_EVER
        } else {
            Backpressure::Drop
        };
        let case = format!("{seed}: {durability:?} {backpressure:?}");
        let place = Place::in_memory();
        let options = builder()
            .capacity(5)
            .durability(durability)
            .backpressure(backpressure)
            .chain(Chaining::new())
            .rotation(Rotation::new().max_bytes(NonZero::new(1_000).unwrap()));
        // The die is thrown for the opening too.
        let faults = Arc::new(Dice(AtomicU64::new(seed * 104_729)));
        let Some(sink) = (0..50).find_map(|_| {
            options
                .clone()
                .faults(faults.clone())
                .file(&place.log())
                .ok()
        }) else {
            panic!("{case}: it could never be opened");
        };
        thread::scope(|scope| {
            for writer in 0..3 {
                let sink = &sink;
                scope.spawn(move || (0..15).for_each(|n| sink.on_call(&event(writer * 100 + n))));
            }
            (0..5).for_each(|_| drop(sink.reopen(PATIENCE)));
        });
        // What could not be written when it ended is lost, and counted.
        let _ = sink.shutdown(PATIENCE);
        let (queued, written, lost) = account(&sink);
        assert_eq!((queued, written + lost), (0, 45), "{case}");
        let mut numbers = place.numbers();
        assert!(numbers.len() as u64 >= written, "{case}");
        numbers.sort_unstable();
        numbers.dedup();
        let report = place.verify(&VerifyOptions::new().complete(true));
        assert_eq!(report.events, numbers.len() as u64, "{case}");
        assert!(report.broken.is_none(), "{case}: {:?}", report.broken);
    }
}
