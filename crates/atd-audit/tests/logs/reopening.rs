//! A log whose file is renamed by somebody else, as logrotate does.

use std::fs;

use atd_audit::{AuditError, AuditSink, Chaining, JsonLinesAuditSink};

use crate::support::{PATIENCE, Place, builder, event, events_in};

#[test]
fn a_renamed_file_is_left_when_the_sink_is_told() {
    let place = Place::new();
    let sink = builder().chain(Chaining::new()).file(&place.log()).unwrap();
    sink.on_call(&event(0));
    sink.flush(PATIENCE).unwrap();
    let moved = place.path("audit.jsonl.1");
    fs::rename(place.log(), &moved).unwrap();
    sink.on_call(&event(1));
    sink.flush(PATIENCE).unwrap();
    sink.reopen(PATIENCE).unwrap();
    sink.on_call(&event(2));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(events_in(&moved).len(), 2, "until it is told, the old file");
    assert_eq!(place.numbers(), [2]);

    // The chain goes on from one file to the other.
    let both = [fs::read(&moved).unwrap(), fs::read(place.log()).unwrap()].concat();
    fs::write(place.log(), both).unwrap();
    assert_eq!(place.verify_whole().events, 3);
}

#[test]
fn reopening_a_file_that_is_in_its_place_changes_nothing() {
    let place = Place::new();
    let sink = JsonLinesAuditSink::file(&place.log()).unwrap();
    sink.on_call(&event(0));
    sink.reopen(PATIENCE).unwrap();
    sink.on_call(&event(1));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(place.numbers(), [0, 1]);
    assert!(matches!(sink.reopen(PATIENCE), Err(AuditError::Ended)));
}

#[test]
fn a_file_that_cannot_be_opened_anew_leaves_the_old_one_in_use() {
    let place = Place::new();
    let sink = JsonLinesAuditSink::file(&place.log()).unwrap();
    let moved = place.path("moved");
    fs::rename(place.log(), &moved).unwrap();
    fs::create_dir(place.log()).unwrap();
    let refused = sink.reopen(PATIENCE).unwrap_err();
    assert!(
        matches!(refused, AuditError::NotReopened { .. }),
        "{refused}"
    );
    sink.on_call(&event(0));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(events_in(&moved).len(), 1);
}

#[test]
fn a_writer_has_nothing_to_reopen() {
    let sink = JsonLinesAuditSink::new(Box::new(std::io::sink()));
    assert!(matches!(
        sink.reopen(PATIENCE),
        Err(AuditError::NotReopened { .. })
    ));
}
