//! Logs in files.

use std::fs;

use atd_audit::{AuditSink, JsonLinesAuditSink};

use crate::support::{PATIENCE, event, events};

#[test]
fn a_file_is_appended_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    for round in 1..=3 {
        let sink = JsonLinesAuditSink::file(&path).unwrap();
        sink.on_call(&event("demo:echo"));
        drop(sink);
        assert_eq!(events(&fs::read(&path).unwrap()).len(), round);
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    assert!(JsonLinesAuditSink::file(directory.path()).is_err());
    assert!(JsonLinesAuditSink::file(&directory.path().join("no/such/audit.jsonl")).is_err());
}

/// A10.
#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    drop(JsonLinesAuditSink::file(&path).unwrap());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A5, where the torn bytes stay in place on a line of their own.
#[test]
fn a_line_cut_at_any_byte_spoils_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let line = serde_json::to_string(&event("before the crash")).unwrap() + "\n";
    for cut in 0..=line.len() {
        let path = directory.path().join(format!("{cut}.jsonl"));
        let before = line.clone() + &line[..cut];
        fs::write(&path, &before).unwrap();

        let sink = JsonLinesAuditSink::file(&path).unwrap();
        sink.on_call(&event("after the crash"));
        sink.on_call(&event("and on"));
        sink.shutdown(PATIENCE).unwrap();

        let after = fs::read_to_string(&path).unwrap();
        let added = after.strip_prefix(&before).unwrap();
        // Nothing but a newline comes between, and only where one is missing.
        let added = match cut {
            0 => added,
            _ if cut == line.len() => added,
            _ => added.strip_prefix('\n').unwrap(),
        };
        let tools: Vec<String> = events(added.as_bytes())
            .into_iter()
            .map(|event| event.tool_id)
            .collect();
        assert_eq!(tools, ["after the crash", "and on"], "cut at {cut}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_every_event_and_says_so() {
    use std::io::ErrorKind;

    use atd_audit::AuditError;

    let sink = JsonLinesAuditSink::file("/dev/full".as_ref()).unwrap();
    for _ in 0..100 {
        sink.on_call(&event("demo:echo"));
    }
    let ended = sink.shutdown(PATIENCE);
    assert!(matches!(
        ended,
        Err(AuditError::WriteFailed { lost: 100, .. })
    ));
    let health = sink.health();
    assert_eq!((health.queued, health.written, health.lost), (0, 0, 100));
    let kind = health.last_error.unwrap().kind();
    assert_eq!(kind, ErrorKind::StorageFull);
}
