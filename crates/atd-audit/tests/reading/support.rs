//! A writer of sealed lines that shares nothing with the crate: it says in its
//! own way what the format is.

use std::{fmt::Write as _, fs, path::PathBuf};

use atd_audit::{
    AuditLog, CallEvent, Head, Outcome, PublicKey, Record, SCHEMA_VERSION, VerifyOptions,
    VerifyReport, verify,
};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) fn event(n: u64) -> CallEvent {
    CallEvent {
        ts: atd_audit::rfc3339(std::time::UNIX_EPOCH + std::time::Duration::from_secs(n)),
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

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Seals line after line.
pub(crate) struct Sealer {
    seq: u64,
    chain: [u8; 32],
    key: Option<SigningKey>,
    sign_every: u64,
}

impl Sealer {
    pub(crate) fn unsigned() -> Self {
        Self {
            seq: 0,
            chain: [0; 32],
            key: None,
            sign_every: 1,
        }
    }

    pub(crate) fn signing_every(n: u64) -> Self {
        Self {
            key: Some(SigningKey::from_bytes(&[7; 32])),
            sign_every: n,
            ..Self::unsigned()
        }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        let key = self.key.as_ref().unwrap().verifying_key();
        PublicKey::from_bytes(key.as_bytes()).unwrap()
    }

    /// A line with the event `n`, newline included, and `beside` it.
    pub(crate) fn line_with(&mut self, n: u64, beside: &str) -> String {
        let object = serde_json::to_string(&event(n)).unwrap();
        let fields = object.strip_suffix('}').unwrap();
        self.seal(&format!("{fields}{beside}"))
    }

    pub(crate) fn seal(&mut self, fields: &str) -> String {
        self.seq += 1;
        let mut line = format!("{fields},\"seq\":{}", self.seq);
        let mut hash = Sha256::new();
        hash.update(&line);
        hash.update(self.chain);
        self.chain = hash.finalize().into();
        write!(line, ",\"chain\":\"{}\"", hex(&self.chain)).unwrap();
        if let Some(key) = self
            .key
            .as_ref()
            .filter(|_| self.seq.is_multiple_of(self.sign_every))
        {
            let mut message = b"atd-audit chain v1\0".to_vec();
            message.extend(self.seq.to_be_bytes());
            message.extend(self.chain);
            let sig = key.sign(&message).to_bytes();
            write!(line, ",\"sig\":\"{}\"", hex(&sig)).unwrap();
        }
        line + "}\n"
    }

    pub(crate) fn lines(&mut self, events: std::ops::Range<u64>) -> Vec<String> {
        events.map(|n| self.line_with(n, "")).collect()
    }

    pub(crate) fn head(&self) -> Head {
        let text = format!("atd-head-v1:{}:{}", self.seq, hex(&self.chain));
        text.parse().unwrap()
    }
}

/// A directory with a log in it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn with(log: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.write("audit.jsonl", log);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn append(&self, bytes: impl AsRef<[u8]>) {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .append(true)
            .create(true)
            .open(self.path("audit.jsonl"))
            .unwrap();
        std::io::Write::write_all(&mut file, bytes.as_ref()).unwrap();
    }

    /// Renames the active segment to the `n`th rotated one.
    pub(crate) fn rotate(&self, n: u32) {
        fs::rename(self.path("audit.jsonl"), self.path(&rotated(n))).unwrap();
    }

    pub(crate) fn log(&self) -> AuditLog {
        AuditLog::open(self.path("audit.jsonl")).unwrap()
    }

    pub(crate) fn verify(&self, options: &VerifyOptions) -> VerifyReport {
        verify(&self.log(), options).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.log().records().map(Result::unwrap).collect()
    }

    /// The durations of the events, which `event` takes for their names.
    pub(crate) fn events(&self) -> Vec<u64> {
        self.records().iter().filter_map(name).collect()
    }
}

pub(crate) fn rotated(n: u32) -> String {
    format!("audit-20261122T160406{n:06}Z.jsonl")
}

pub(crate) fn name(record: &Record) -> Option<u64> {
    match record {
        Record::Event(entry) => Some(entry.event.duration_ms),
        _ => None,
    }
}

/// Where a report says that the log breaks: the segment's name and the line.
pub(crate) fn broken_at(report: &VerifyReport) -> Option<(String, u64)> {
    let at = report.broken.as_ref()?.at.as_ref()?;
    let name = at.segment().file_name().unwrap();
    Some((name.to_str().unwrap().to_owned(), at.line().unwrap()))
}
