//! One writer a log.

use std::{
    env,
    io::{ErrorKind, Read},
    path::Path,
    process::{Command, Stdio},
};

use atd_audit::{AuditSink, JsonLinesAuditSink};

use crate::support::{Place, event};

#[test]
fn a_second_sink_on_one_log_is_refused_while_the_first_lives() {
    let place = Place::new();
    let first = JsonLinesAuditSink::file(&place.log()).unwrap();
    let refused = JsonLinesAuditSink::file(&place.log()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceBusy);
    assert!(
        refused.to_string().contains("a log has one writer"),
        "{refused}"
    );
    first.on_call(&event(0));
    drop(first);
    drop(JsonLinesAuditSink::file(&place.log()).unwrap());
    assert_eq!(place.numbers(), [0]);
}

/// The other process of the test below; on its own it does nothing.
#[test]
fn another_process() {
    let Ok(log) = env::var("ATD_AUDIT_TEST_LOCKED") else {
        return;
    };
    let opened = JsonLinesAuditSink::file(Path::new(&log));
    println!(
        "opened: {:?}",
        opened.map(drop).map_err(|error| error.kind())
    );
}

#[test]
fn a_second_process_on_one_log_is_refused() {
    let place = Place::new();
    let ask = || {
        let mut other = Command::new(env::current_exe().unwrap())
            .args(["--exact", "locking::another_process", "--nocapture"])
            .env("ATD_AUDIT_TEST_LOCKED", place.log())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        other
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        other.wait().unwrap();
        said
    };
    let sink = JsonLinesAuditSink::file(&place.log()).unwrap();
    assert!(ask().contains("opened: Err(ResourceBusy)"));
    drop(sink);
    assert!(ask().contains("opened: Ok(())"));
}
