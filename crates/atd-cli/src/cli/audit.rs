//! What can be typed after `atd audit`.

use std::path::PathBuf;

use atd_runtime::audit::{Head, OutcomeKind, ReadError};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{ArgAction, Args, Subcommand, ValueHint};

use super::JsonOption;
use crate::commands::audit::Moment;

/// Each reads the log and its rotated segments, also while a server writes it.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the newest calls, and with -f each call as it is recorded
    Tail(AuditTailOptions),
    /// Show the calls that fit everything asked for
    Query(AuditQueryOptions),
    /// Count calls and outcomes, and how long calls took, by tool
    Stats(AuditStatsOptions),
    /// Say whether the log was changed: exit code 1, and the first bad line, if it was
    Verify(AuditVerifyOptions),
    /// Print where the chain stands, to be kept elsewhere for `atd audit verify --head`
    Head(AuditHeadOptions),
    /// Make a key to sign a log with, and print the public one that it is checked with
    Key(AuditKeyOptions),
}

#[derive(Args, Debug)]
pub(crate) struct LogOption {
    /// The log [default: audit.jsonl beside the server's socket]
    #[arg(long, env = "ATD_AUDIT_LOG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct JsonLinesOption {
    /// Print each event on a line of its own, as it stands in the log
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AuditTailOptions {
    /// How many of the newest lines to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) lines: u64,
    /// Go on with each line that is written, across rotations, until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) json: JsonLinesOption,
}

/// Which calls are meant.
#[derive(Args, Debug)]
pub(crate) struct FilterOptions {
    /// Calls that came at this time or later: 2026-11-22T16:04:06Z, 2026-11-22 (UTC), or ago,
    /// such as 90s, 15m, 2h, 3d or 1w
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Calls that came before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Calls of this tool; `*` stands for any text
    #[arg(long, value_name = "ID")]
    pub(crate) tool: Option<String>,
    /// Calls by this caller
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// Calls that ended so; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = outcome_kinds(), action = ArgAction::Append)]
    pub(crate) outcome: Vec<OutcomeKind>,
}

#[derive(Args, Debug)]
pub(crate) struct AuditQueryOptions {
    #[command(flatten)]
    pub(crate) filter: FilterOptions,
    /// The call of this id
    #[arg(long, value_name = "ID")]
    pub(crate) call_id: Option<String>,
    /// Stop after so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) json: JsonLinesOption,
}

#[derive(Args, Debug)]
pub(crate) struct AuditStatsOptions {
    #[command(flatten)]
    pub(crate) filter: FilterOptions,
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct AuditVerifyOptions {
    /// The public key that the log is signed with: 64 hex digits, or a file with them or with
    /// the 32 bytes
    #[arg(long, value_name = "FILE|HEX")]
    pub(crate) key: Option<String>,
    /// A head that the log had, as `atd audit head` prints it; may be given more than once
    #[arg(long, value_name = "TEXT", action = ArgAction::Append)]
    pub(crate) head: Vec<Head>,
    /// Nothing was ever taken out of the log: it must begin with its first line
    #[arg(long)]
    pub(crate) complete: bool,
    /// The log must have a chain; so it must with --key and --head
    #[arg(long)]
    pub(crate) chained: bool,
    /// The log was begun without a chain: lines without one may stand before it
    #[arg(long)]
    pub(crate) unchained_start: bool,
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct AuditHeadOptions {
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct AuditKeyOptions {
    /// Where the signing key goes: a new file, readable by its owner alone
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

fn outcome_kinds() -> impl TypedValueParser<Value = OutcomeKind> {
    PossibleValuesParser::new(OutcomeKind::ALL.map(OutcomeKind::as_str)).try_map(|kind| {
        kind.parse::<OutcomeKind>()
            .map_err(|error: ReadError| error)
    })
}
