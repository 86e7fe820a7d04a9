//! No call without a record.

use std::{fs, io::ErrorKind, num::NonZero, path::Path, sync::Arc, time::Duration};

use atd_audit::{
    AuditError, AuditSink, Backpressure, Chaining, JsonLinesAuditSink, OUTCOME_UNKNOWN, Outcome,
    Retention, Rotation, Strict,
};

use crate::support::{PATIENCE, Place, account, builder, event};

fn strict(place: &Place) -> JsonLinesAuditSink {
    builder()
        .chain(Chaining::new())
        .strict(Strict::new())
        .file(&place.log())
        .unwrap()
}

/// The files of one place as they are now, in another: what a process leaves
/// that is killed at this moment.
fn as_after_a_kill(place: &Place) -> Place {
    let copy = Place::new();
    for name in place.names() {
        fs::copy(place.path(&name), copy.path(&name)).unwrap();
    }
    copy
}

fn outcomes(place: &Place) -> Vec<(u64, Outcome)> {
    let events = place.events().into_iter();
    events
        .map(|event| (event.call_id[18..].parse().unwrap(), event.outcome))
        .collect()
}

fn unknown() -> Outcome {
    Outcome::ExecutionFailed {
        code: OUTCOME_UNKNOWN.to_owned(),
        retryable: false,
    }
}

#[test]
fn a_journal_is_there_while_calls_are_begun_and_gone_after() {
    let place = Place::new();
    let sink = strict(&place);
    assert!(sink.is_strict());
    for n in 0..10 {
        sink.on_start(&event(n)).unwrap();
        sink.on_call(&event(n));
    }
    assert_eq!(place.names(), ["audit.jsonl", "audit.jsonl.journal"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let journal = fs::metadata(place.path("audit.jsonl.journal")).unwrap();
        assert_eq!(journal.permissions().mode() & 0o777, 0o600);
    }
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 10, 0));
    assert_eq!(place.names(), ["audit.jsonl"]);
    assert_eq!(place.verify_whole().events, 10);
    assert!(matches!(sink.on_start(&event(10)), Err(AuditError::Ended)));
}

#[test]
fn a_call_that_a_crash_cut_short_gets_its_event_when_the_log_is_opened() {
    let place = Place::new();
    let sink = strict(&place);
    for n in 0..5 {
        sink.on_start(&event(n)).unwrap();
    }
    // One has ended and is on record; of one nothing but the journal's last
    // line, torn, is there.
    sink.on_call(&event(2));
    sink.flush(PATIENCE).unwrap();
    let after = as_after_a_kill(&place);
    let journal = after.path("audit.jsonl.journal");
    let torn = fs::read(&journal).unwrap();
    fs::write(&journal, &torn[..torn.len() - 10]).unwrap();

    let sink = strict(&after);
    sink.flush(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 3, 0));
    // Killed again at once, and again: nothing twice.
    let again = as_after_a_kill(&after);
    drop(strict(&again));
    let expected = vec![
        (2, Outcome::Success),
        (0, unknown()),
        (1, unknown()),
        (3, unknown()),
    ];
    for place in [&after, &again] {
        assert_eq!(outcomes(place), expected);
        assert_eq!(place.verify_whole().events, 4);
    }
}

#[test]
fn events_that_were_not_written_yet_are_made_good_too() {
    let place = Place::new();
    let sink = strict(&place);
    sink.on_start(&event(0)).unwrap();
    let after = as_after_a_kill(&place);
    sink.on_call(&event(0));
    drop(strict(&after));
    assert_eq!(outcomes(&after), [(0, unknown())]);
    // The event names whose call it was.
    let recovered = after.events().remove(0);
    assert_eq!(
        (recovered.tool_id, recovered.caller_id),
        (event(0).tool_id, event(0).caller_id)
    );
}

#[test]
fn a_line_that_a_crash_tore_does_not_pass_for_a_record() {
    let place = Place::new();
    let sink = strict(&place);
    sink.on_start(&event(0)).unwrap();
    let journal = fs::read(place.path("audit.jsonl.journal")).unwrap();
    sink.on_call(&event(0));
    sink.flush(PATIENCE).unwrap();
    let line = fs::read(place.log()).unwrap();
    drop(sink);
    for cut in 0..=line.len() {
        let after = Place::new();
        fs::write(after.log(), &line[..cut]).unwrap();
        fs::write(after.path("audit.jsonl.journal"), &journal).unwrap();
        drop(strict(&after));
        let expected = if cut >= line.len() - 1 {
            Outcome::Success
        } else {
            unknown()
        };
        assert_eq!(outcomes(&after), [(0, expected)], "cut at {cut}");
        after.verify_whole();
    }
}

#[test]
fn the_journal_forgets_a_call_before_its_segment_is_deleted() {
    let place = Place::new();
    let sink = builder()
        .strict(Strict::new())
        .rotation(Rotation::new().max_bytes(NonZero::new(1).unwrap()))
        .retention(Retention::new().max_segments(NonZero::new(2).unwrap()))
        .file(&place.log())
        .unwrap();
    sink.on_start(&event(99)).unwrap();
    for n in 0..10 {
        sink.on_start(&event(n)).unwrap();
        sink.on_call(&event(n));
    }
    sink.flush(PATIENCE).unwrap();
    sink.reopen(PATIENCE).unwrap();
    let after = as_after_a_kill(&place);
    drop(builder().strict(Strict::new()).file(&after.log()).unwrap());
    assert_eq!(
        outcomes(&after),
        [
            (8, Outcome::Success),
            (9, Outcome::Success),
            (99, unknown())
        ]
    );
}

#[test]
fn what_retention_deletes_when_a_log_is_opened_was_on_record() {
    let place = Place::new();
    let each_its_segment = Rotation::new().max_bytes(NonZero::new(1).unwrap());
    let sink = strict(&place);
    (0..3).for_each(|n| sink.on_start(&event(n)).unwrap());
    let journal = fs::read(place.path("audit.jsonl.journal")).unwrap();
    drop(sink);
    fs::remove_file(place.path("audit.jsonl.journal")).unwrap();
    fs::remove_file(place.log()).unwrap();
    let sink = builder()
        .rotation(each_its_segment)
        .file(&place.log())
        .unwrap();
    (0..3).for_each(|n| sink.on_call(&event(n)));
    drop(sink);
    fs::write(place.path("audit.jsonl.journal"), journal).unwrap();

    let one = Retention::new().max_segments(NonZero::new(1).unwrap());
    drop(
        builder()
            .strict(Strict::new())
            .retention(one)
            .file(&place.log())
            .unwrap(),
    );
    assert_eq!(outcomes(&place), [(2, Outcome::Success)]);
}

#[test]
fn a_started_call_has_its_place_in_a_full_queue() {
    use std::{io, sync::mpsc};
    // A log that is stuck: a FIFO nobody reads, filled to the brim, would need
    // the system's help; a fault that waits does as well.
    struct Stuck(std::sync::Mutex<mpsc::Receiver<()>>);
    impl atd_audit::FileFaults for Stuck {
        fn before(&self, operation: atd_audit::FileOperation) -> io::Result<usize> {
            let is_writer = std::thread::current().name() == Some("atd-audit");
            if is_writer && operation == atd_audit::FileOperation::Write {
                let _ = self.0.lock().unwrap().recv_timeout(PATIENCE);
            }
            Ok(usize::MAX)
        }
    }
    let (release, stuck) = mpsc::channel();
    let place = Place::new();
    let sink = builder()
        .capacity(3)
        .backpressure(Backpressure::Drop)
        .strict(Strict::new().patience(Duration::from_millis(1)))
        .faults(Arc::new(Stuck(std::sync::Mutex::new(stuck))))
        .file(&place.log())
        .unwrap();
    for n in 0..3 {
        sink.on_start(&event(n)).unwrap();
    }
    assert!(matches!(sink.on_start(&event(3)), Err(AuditError::NoRoom)));
    assert!(matches!(sink.on_start(&event(0)), Err(AuditError::NoRoom)));
    sink.on_call(&event(7));
    assert_eq!(
        account(&sink),
        (0, 0, 1),
        "it was not begun: no place was kept"
    );
    for n in 0..3 {
        sink.on_call(&event(n));
    }
    assert_eq!(account(&sink), (3, 0, 1));
    drop(release);
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 3, 1));
    assert_eq!(place.numbers(), [0, 1, 2]);
}

#[test]
fn a_call_is_begun_once() {
    let place = Place::new();
    let sink = strict(&place);
    sink.on_start(&event(0)).unwrap();
    assert!(matches!(
        sink.on_start(&event(0)),
        Err(AuditError::AlreadyStarted)
    ));
    sink.on_call(&event(0));
    sink.on_start(&event(1)).unwrap();
    sink.on_call(&event(1));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(place.numbers(), [0, 1]);
}

/// A2: `/dev/full` takes nothing, and no call begins; when the disk does,
/// calls do.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_begins_no_call_and_recovers() {
    let place = Place::new();
    std::os::unix::fs::symlink("/dev/full", place.log()).unwrap();
    let sink = strict(&place);
    for n in 0..10 {
        match sink.on_start(&event(n)) {
            Err(AuditError::Failing {
                source: Some(source),
            }) => {
                assert_eq!(source.kind(), ErrorKind::StorageFull);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(sink.health().failing_since.is_some());
    fs::remove_file(place.log()).unwrap();
    sink.reopen(PATIENCE).unwrap();
    let begun = (0..).find(|_| sink.on_start(&event(10)).is_ok());
    assert!(begun.is_some());
    sink.on_call(&event(10));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(place.numbers(), [10]);
}

#[test]
fn a_log_that_cannot_be_strict_is_refused() {
    let refused = builder()
        .strict(Strict::new())
        .writer(Box::new(std::io::sink()))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    // There is no room for a journal beside a device; elsewhere there is.
    let place = Place::new();
    let elsewhere = Strict::new().journal(place.path("journal"));
    let sink = builder()
        .strict(elsewhere)
        .file(Path::new("/dev/null"))
        .unwrap();
    sink.on_start(&event(0)).unwrap();
    assert_eq!(place.names(), ["journal"]);
    let second = Strict::new().journal(place.path("journal"));
    let refused = builder()
        .strict(second)
        .file(Path::new("/dev/null"))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceBusy);
}
