//! Where the audit of `atd serve` goes.

use std::fmt;
use std::fs::DirBuilder;
use std::num::NonZeroU64;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atd_runtime::JsonLinesAuditSink;
use atd_runtime::audit::{
    Backpressure, BesideFields, Chaining, Durability, JsonLinesBuilder, Retention, Rotation, Strict,
};

use crate::cli::{BesideField, SyncWhen, WhenFull};
use crate::commands::audit::read_signing_key;
use crate::config::{AuditSettings, AuditTo};
use crate::failure::Failure;
use crate::output::{YELLOW, note};
use crate::paths;

/// How many audit events may wait to be written: enough for a disk that is
/// slow for a moment under full load.
const QUEUE: usize = 64 * 1024;

/// How many records are signed at a time, unless somebody says otherwise.
const SIGN_EVERY: NonZeroU64 = NonZeroU64::MIN.saturating_add(99);

/// How long the file may take to be opened anew.
const REOPENING: Duration = Duration::from_secs(10);

/// Where the audit goes, and the sink that takes it there.
pub(super) struct Audit {
    to: AuditTo,
    pub(super) sink: Option<Arc<JsonLinesAuditSink>>,
}

impl Audit {
    pub(super) fn open(settings: &AuditSettings, socket: &Path) -> Result<Self, Failure> {
        let to = to(settings, socket);
        check(settings)?;
        let builder = builder(settings)?;
        let opened = match &to {
            AuditTo::Nowhere => return Ok(Self { to, sink: None }),
            AuditTo::Stdout => builder.writer(Box::new(std::io::stdout())),
            AuditTo::Stderr => builder.writer(Box::new(std::io::stderr())),
            AuditTo::File(path) => make_directory(path).and_then(|()| builder.file(path)),
        };
        let opened = opened.with_context(|| format!("cannot open the audit log {to}"))?;
        Ok(Self {
            sink: Some(Arc::new(opened)),
            to,
        })
    }

    /// Opens the file anew, where another may be by now.
    pub(super) async fn reopen(&self) {
        let Some(sink) = self.sink.clone() else {
            return;
        };
        let reopened = tokio::task::spawn_blocking(move || sink.reopen(REOPENING)).await;
        let said = match reopened {
            Ok(Ok(())) => format!("Opened the audit log {} anew.", self.to),
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
        self.to.fmt(f)
    }
}

/// Whether these can be kept to, as far as that shows before anything is opened.
pub(super) fn check(settings: &AuditSettings) -> Result<(), Failure> {
    let builder = builder(settings)?;
    match &settings.to {
        Some(AuditTo::Nowhere) if settings.strict => Err(Failure::usage(
            "`strict` lets no call begin that will not be on record, and the audit goes nowhere",
        )
        .advise("name a file for it, or leave `strict` out")),
        Some(to @ (AuditTo::Stdout | AuditTo::Stderr)) => {
            let opened = builder.writer(Box::new(std::io::sink())).map(drop);
            opened.map_err(|error| Failure::usage(format!("the audit cannot go to {to}: {error}")))
        }
        _ => Ok(()),
    }
}

/// Where the records go of a server on this socket.
pub(super) fn to(settings: &AuditSettings, socket: &Path) -> AuditTo {
    let beside = || AuditTo::File(paths::audit_beside(socket));
    settings.to.clone().unwrap_or_else(beside)
}

impl fmt::Display for AuditTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("stdout"),
            Self::Stderr => f.write_str("stderr"),
            Self::Nowhere => f.write_str("none: calls leave no record"),
        }
    }
}

fn builder(settings: &AuditSettings) -> Result<JsonLinesBuilder, Failure> {
    let mut rotation = Rotation::new();
    if let Some(bytes) = settings.max_size {
        rotation = rotation.max_bytes(bytes);
    }
    if let Some(age) = settings.max_age {
        rotation = rotation.max_age(age);
    }
    let mut retention = Retention::new();
    if let Some(files) = settings.keep {
        retention = retention.max_segments(files);
    }
    if let Some(bytes) = settings.keep_size {
        retention = retention.max_total_bytes(bytes);
    }
    let mut builder = JsonLinesAuditSink::builder()
        .capacity(QUEUE)
        .backpressure(match settings.when_full {
            WhenFull::Drop => Backpressure::Drop,
            WhenFull::Wait => Backpressure::Block { at_most: None },
        })
        .durability(match settings.sync {
            SyncWhen::Never => Durability::Buffered,
            SyncWhen::Always => Durability::Sync,
            SyncWhen::After(interval) => Durability::Interval(interval),
        })
        .rotation(rotation)
        .retention(retention)
        .beside(beside(&settings.with));
    if settings.strict {
        builder = builder.strict(Strict::new());
    }
    if let Some(file) = &settings.key {
        let key = read_signing_key(file)?;
        let every = settings.sign_every.unwrap_or(SIGN_EVERY);
        builder = builder.chain(Chaining::signed(key, every));
    } else if settings.sign_every.is_some() {
        return Err(Failure::usage("there is no key to sign records with")
            .advise("--audit-key FILE; `atd audit key FILE` makes one"));
    } else if settings.chain {
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
