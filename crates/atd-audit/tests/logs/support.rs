//! A log in a directory of its own, and what is in it.

use std::{
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    time::Duration,
};

use atd_audit::{
    AuditLog, CallEvent, Chaining, JsonLinesAuditSink, JsonLinesBuilder, Outcome, PublicKey,
    Record, SCHEMA_VERSION, SigningKey, VerifyOptions, VerifyReport, verify,
};
use tempfile::TempDir;

/// Long enough for anything that is not stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An event whose call id and duration are `n`.
pub(crate) fn event(n: u64) -> CallEvent {
    CallEvent {
        ts: atd_audit::now_rfc3339(),
        call_id: format!("01JZ8Y4T6N3V5Q2M7K{n:08}"),
        tool_id: "ref:fs.read".to_owned(),
        caller_id: Some("alice".to_owned()),
        granted_capabilities: vec!["fs:read".to_owned()],
        duration_ms: n,
        outcome: Outcome::Success,
        tier: "hot".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}

/// A directory for a log.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A directory in memory where the system has such: for tests that sync
    /// thousands of times, of something else than the disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if !memory.is_dir() {
            return Self::new();
        }
        Self {
            folder: tempfile::tempdir_in(memory).unwrap(),
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("audit.jsonl")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names of all its files, in the order of the alphabet.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub(crate) fn events(&self) -> Vec<CallEvent> {
        events_in(&self.log())
    }

    /// The durations of the events, which [`event`] takes for their names.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.events()
            .iter()
            .map(|event| event.duration_ms)
            .collect()
    }

    pub(crate) fn verify(&self, options: &VerifyOptions) -> VerifyReport {
        verify(&AuditLog::open(self.log()).unwrap(), options).unwrap()
    }

    /// Verifies a log of which every line is to be there and in its place.
    pub(crate) fn verify_whole(&self) -> VerifyReport {
        let options = VerifyOptions::new().chained(true).complete(true);
        let report = self.verify(&options);
        assert!(report.broken.is_none(), "{:?}", report.broken);
        report
    }
}

/// The events of a log and its segments.
pub(crate) fn events_in(log: &Path) -> Vec<CallEvent> {
    let records = AuditLog::open(log).unwrap().records();
    records
        .filter_map(|record| match record.unwrap() {
            Record::Event(entry) => Some(entry.event),
            _ => None,
        })
        .collect()
}

pub(crate) fn builder() -> JsonLinesBuilder {
    JsonLinesAuditSink::builder()
}

pub(crate) fn every(n: u64) -> Chaining {
    Chaining::signed(signing_key(), NonZero::new(n).unwrap())
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(crate) fn public_key() -> PublicKey {
    signing_key().public_key()
}

/// `queued`, `written` and `lost` of a sink.
pub(crate) fn account(sink: &JsonLinesAuditSink) -> (u64, u64, u64) {
    let health = sink.health();
    assert_eq!(health.lost, sink.drops());
    (health.queued, health.written, health.lost)
}
