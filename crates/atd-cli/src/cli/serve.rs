//! What can be typed after `atd serve`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ArgAction, Args, ValueEnum, ValueHint};
use tracing_subscriber::filter::LevelFilter;

use super::{GateOptions, SocketOption};
use crate::metrics::Address;

#[derive(Args, Debug)]
#[command(
    after_help = "Environment:\n  ATD_CURSOR_KEY  64 hexadecimal digits that instances share \
which take one another's cursors [default: a key of this server's own]"
)]
pub(crate) struct ServeOptions {
    /// Take what is not said here from this file (TOML), which may also declare tools that are
    /// programs. It is read again when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Say what is wrong with the file, all of it, or what it makes of the server; serve nothing
    #[arg(long, requires = "config")]
    pub(crate) check_config: bool,
    #[command(flatten)]
    pub(crate) socket: SocketOption,
    /// The directory that tools work in: programs are started there, and the file tools open
    /// nothing outside it [default: .]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gate: GateOptions,
    /// A directory with the secrets of callers, one private file each; they are given to tools
    /// that act for them
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) secrets: Option<PathBuf>,
    /// How much to log on standard error: error, warn, info, debug or trace [default: warn]
    #[arg(long, env = "ATD_LOG", value_name = "LEVEL")]
    pub(crate) log: Option<LevelFilter>,
    /// How to log: `text`, or `json` with one document a line, also for what else is said there
    /// [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Show what the server counts to Prometheus and `atd top`, as GET /metrics: on HOST:PORT,
    /// which everybody who reaches it may read, or on a socket at a PATH, which only this user may
    #[arg(long, value_name = "ADDR", value_hint = ValueHint::FilePath)]
    pub(crate) metrics: Option<Address>,
    /// Add the tools that the published conformance suite asks for
    #[cfg(feature = "conformance")]
    #[arg(long, hide = true)]
    pub(crate) conformance_tools: bool,
    #[command(flatten)]
    pub(crate) audit: AuditOptions,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Audit options (SIGHUP opens the file anew, for logrotate)")]
pub(crate) struct AuditOptions {
    /// Where the record of each call goes: a file, `stdout`, `stderr` or `none` [default:
    /// audit.jsonl beside the socket]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) audit: Option<String>,
    /// What a call does whose record finds the queue full: `drop` the record and count it, or
    /// `wait` [default: drop]
    #[arg(long, value_name = "WHAT", hide_possible_values = true)]
    pub(crate) audit_when_full: Option<WhenFull>,
    /// When records are put on disk: `never` but by the operating system, `always` before the
    /// call is answered, or that long after, such as 1s [default: never]
    #[arg(long, value_name = "WHEN")]
    pub(crate) audit_sync: Option<SyncWhen>,
    /// Run no tool unless its record is safe: a call that cannot be recorded is refused (1034)
    #[arg(long)]
    pub(crate) audit_strict: bool,
    /// Chain the records, so that `atd audit verify` finds what was changed
    #[arg(long)]
    pub(crate) audit_chain: bool,
    /// Chain the records and sign the chain with the key in this file; `atd audit key` makes one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) audit_key: Option<PathBuf>,
    /// Sign every so many records [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) audit_sign_every: Option<NonZeroU64>,
    /// Begin a new file when one has this size, such as 64MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) audit_max_size: Option<NonZeroU64>,
    /// Begin a new file when one is this old, such as 1d
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) audit_max_age: Option<Duration>,
    /// Keep this many files besides the one that is written to, and delete the oldest
    #[arg(long, value_name = "N")]
    pub(crate) audit_keep: Option<NonZeroUsize>,
    /// Keep files of this size together, and delete the oldest
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) audit_keep_size: Option<NonZeroU64>,
    /// What else to record of each call; may be given more than once
    #[arg(long, value_name = "WHAT", action = ArgAction::Append)]
    pub(crate) audit_with: Vec<BesideField>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenFull {
    #[default]
    Drop,
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BesideField {
    /// What granted each of the caller's capabilities
    Grants,
    /// The trace that the call is part of, where its caller says so
    Trace,
    /// The SHA-256 of its arguments and of its result
    Digests,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SyncWhen {
    #[default]
    Never,
    Always,
    After(Duration),
}

impl FromStr for SyncWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            time => humantime::parse_duration(time)
                .map(Self::After)
                .map_err(|_| "it should be never, always or a time, such as 1s".to_owned()),
        }
    }
}

/// A number of bytes above 0, such as `64MiB`.
pub(crate) fn size(text: &str) -> Result<NonZeroU64, String> {
    let bytes = text.parse::<ByteSize>().map_err(|_| ());
    bytes
        .and_then(|size| NonZeroU64::new(size.as_u64()).ok_or(()))
        .map_err(|()| "it should be a size above 0, such as 64MiB".to_owned())
}
