//! Where the audit of `atd serve` goes.

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atd_runtime::JsonLinesAuditSink;
use atd_runtime::audit::{
    Backpressure, BesideFields, Chaining, Durability, JsonLinesBuilder, Retention, Rotation, Strict,
};

use crate::cli::{AuditOptions, BesideField, SyncWhen, WhenFull};
use crate::commands::audit::read_signing_key;
use crate::failure::Failure;
use crate::output::{YELLOW, note};
use crate::paths;

/// How many audit events may wait to be written: enough for a disk that is
/// slow for a moment under full load.
const QUEUE: usize = 64 * 1024;

/// How long the file may take to be opened anew.
const REOPENING: Duration = Duration::from_secs(10);

/// Where the audit goes, and the sink that takes it there.
pub(super) struct Audit {
    destination: Destination,
    pub(super) sink: Option<Arc<JsonLinesAuditSink>>,
}

enum Destination {
    File(PathBuf),
    Stdout,
    Stderr,
    Nowhere,
}

impl Audit {
    pub(super) fn open(options: &AuditOptions, socket: &Path) -> Result<Self, Failure> {
        let destination = Destination::of(options.audit.as_deref(), socket);
        let builder = builder(options)?;
        let opened = match &destination {
            Destination::Nowhere => {
                return Ok(Self {
                    destination,
                    sink: None,
                });
            }
            Destination::Stdout => builder.writer(Box::new(std::io::stdout())),
            Destination::Stderr => builder.writer(Box::new(std::io::stderr())),
            Destination::File(path) => make_directory(path).and_then(|()| builder.file(path)),
        };
        let opened = opened.with_context(|| format!("cannot open the audit log {destination}"))?;
        Ok(Self {
            sink: Some(Arc::new(opened)),
            destination,
        })
    }

    /// Opens the file anew, where another may be by now.
    pub(super) async fn reopen(&self) {
        let Some(sink) = self.sink.clone() else {
            return;
        };
        let reopened = tokio::task::spawn_blocking(move || sink.reopen(REOPENING)).await;
        let said = match reopened {
            Ok(Ok(())) => format!("Opened the audit log {} anew.", self.destination),
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                warning(&format!("{error}: {}", cause.unwrap_or_default()))
            }
            Err(error) => warning(&error.to_string()),
        };
        // Whoever closed standard error does not want to hear it.
        let _ = note(said);
    }
}

fn warning(text: &str) -> String {
    format!("{YELLOW}{text}{YELLOW:#}")
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.destination.fmt(f)
    }
}

impl Destination {
    fn of(named: Option<&str>, socket: &Path) -> Self {
        match named {
            None => Self::File(paths::audit_beside(socket)),
            Some("stdout") => Self::Stdout,
            Some("stderr") => Self::Stderr,
            Some("none") => Self::Nowhere,
            Some(path) => Self::File(path.into()),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("stdout"),
            Self::Stderr => f.write_str("stderr"),
            Self::Nowhere => f.write_str("none: calls leave no record"),
        }
    }
}

fn builder(options: &AuditOptions) -> Result<JsonLinesBuilder, Failure> {
    let mut rotation = Rotation::new();
    if let Some(bytes) = options.audit_max_size {
        rotation = rotation.max_bytes(bytes);
    }
    if let Some(age) = options.audit_max_age {
        rotation = rotation.max_age(age);
    }
    let mut retention = Retention::new();
    if let Some(files) = options.audit_keep {
        retention = retention.max_segments(files);
    }
    if let Some(bytes) = options.audit_keep_size {
        retention = retention.max_total_bytes(bytes);
    }
    let mut builder = JsonLinesAuditSink::builder()
        .capacity(QUEUE)
        .backpressure(match options.audit_when_full {
            WhenFull::Drop => Backpressure::Drop,
            WhenFull::Wait => Backpressure::Block { at_most: None },
        })
        .durability(match options.audit_sync {
            SyncWhen::Never => Durability::Buffered,
            SyncWhen::Always => Durability::Sync,
            SyncWhen::After(interval) => Durability::Interval(interval),
        })
        .rotation(rotation)
        .retention(retention)
        .beside(beside(&options.audit_with));
    if options.audit_strict {
        builder = builder.strict(Strict::new());
    }
    if let Some(file) = &options.audit_key {
        let key = read_signing_key(file)?;
        builder = builder.chain(Chaining::signed(key, options.audit_sign_every));
    } else if options.audit_chain {
        builder = builder.chain(Chaining::new());
    }
    Ok(builder)
}

fn beside(wanted: &[BesideField]) -> BesideFields {
    wanted
        .iter()
        .fold(BesideFields::NONE, |fields, field| match field {
            BesideField::Grants => fields.granted_by(),
            BesideField::Trace => fields.trace_id(),
            BesideField::Digests => fields.digests(),
        })
}

fn make_directory(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory),
        _ => Ok(()),
    }
}
