//! What can be typed. The completions and the man page are made from it.

mod audit;
mod gate;
mod serve;
mod token;
mod top;
mod who;

use std::path::PathBuf;
use std::time::Duration;

use atd_runtime::proto::TraceParent;
use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

pub(crate) use audit::{
    AuditCommand, AuditHeadOptions, AuditKeyOptions, AuditQueryOptions, AuditStatsOptions,
    AuditTailOptions, AuditVerifyOptions, FilterOptions,
};
pub(crate) use gate::{GateOptions, TrustedRoot, capability};
pub(crate) use serve::{
    AuditOptions, BesideField, LogFormat, ServeOptions, SyncWhen, WhenFull, size,
};
pub(crate) use token::{DelegationOptions, TokenCommand, TokenInspectOptions, TokenRevokeOptions};
pub(crate) use top::{SortBy, TopOptions};
pub(crate) use who::Who;

/// Serve tools to agents, and call them: every call passes one gate, within
/// its limits, and leaves one audit record.
#[derive(Debug, Parser)]
#[command(name = "atd", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the tool failed, the call was refused or the audit log is broken, 2 usage, 4 server unreachable.
Colours are used on terminals; NO_COLOR turns them off.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve tools on a Unix socket until interrupted
    Serve(ServeOptions),
    /// Show the tools that a server has
    List(ListOptions),
    /// Show one tool's whole definition
    Schema(SchemaOptions),
    /// Call a tool
    Call(CallOptions),
    /// Look at a server, and say what is wrong and what to do about it
    Doctor(DoctorOptions),
    /// Watch a server: calls, latencies and refusals by tool, once a second
    Top(TopOptions),
    /// Read the audit log: the newest calls, questions, statistics, and whether it was changed
    Audit {
        /// What to do with it
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Make capability tokens, pass them on narrowed, look into them, call them back
    ///
    /// A token says what its holder may do, and its holder can pass on less of it. A server
    /// accepts those that begin with an issuer whom it trusts (`atd serve --trust`).
    Token {
        /// What to do with it
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// See an allowed, a denied, a rate-limited and a failing call, and their audit records
    Demo,
    /// Print the completions of a shell
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Print the man page
    Man,
}

#[derive(Args, Debug)]
pub(crate) struct SocketOption {
    /// The server's socket [default: $XDG_RUNTIME_DIR/atd/atd.sock, or ~/.atd/atd.sock]
    #[arg(long, env = "ATD_SOCKET", value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct JsonOption {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    pub(crate) socket: SocketOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct SchemaOptions {
    /// The tool, such as ref:fs.read
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) socket: SocketOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct CallOptions {
    /// The tool, such as ref:fs.read
    pub(crate) id: String,
    /// The arguments [default: {}]
    #[arg(long, value_name = "JSON", conflicts_with = "args_file")]
    pub(crate) args: Option<String>,
    /// A file with the arguments; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) args_file: Option<PathBuf>,
    /// Check everything and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A file with a capability token to present; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token: Option<PathBuf>,
    /// A file with the key that the token is for, which proves that it is one's own where the
    /// server demands it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "token")]
    pub(crate) key: Option<PathBuf>,
    /// The name to give oneself [default: with a token, whom it is for]
    #[arg(long, value_name = "NAME")]
    pub(crate) client_id: Option<String>,
    /// A capability to ask for; may be given more than once
    #[arg(long, value_name = "CAP", action = ArgAction::Append)]
    pub(crate) request: Vec<String>,
    /// The trace that the call is part of, as the W3C writes it; for the server's audit
    #[arg(long, env = "TRACEPARENT", value_name = "TRACEPARENT")]
    pub(crate) traceparent: Option<TraceParent>,
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) socket: SocketOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorOptions {
    /// Say what would become of a call by this caller, and why, without making it: `anonymous`, a
    /// name, `uid:1000`, or a did:key with its --token. The options of `atd serve` that follow
    /// are those that the server was started with
    #[arg(long = "as", value_name = "WHO", requires = "tool")]
    pub(crate) caller: Option<Who>,
    /// The tool that would be called
    #[arg(long, value_name = "ID", requires = "caller")]
    pub(crate) tool: Option<String>,
    /// A file with the caller's capability token; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "caller")]
    pub(crate) token: Option<PathBuf>,
    /// The file that the server was started with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "caller")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gate: GateOptions,
    #[command(flatten)]
    pub(crate) socket: SocketOption,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "it should be a number of seconds, such as 2.5".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("it should be more than 0 seconds, and not for ever".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(super::seconds("2.5").map(|d| d.as_millis()), Ok(2500));
        for bad in ["0", "-1", "NaN", "inf", "1e300", "soon", ""] {
            assert!(super::seconds(bad).is_err(), "{bad}");
        }
    }
}
