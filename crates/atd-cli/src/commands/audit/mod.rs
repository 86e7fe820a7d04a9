//! `atd audit`: one file a command, and what they share.

mod chart;
mod filter;
mod head;
mod key;
mod moment;
mod printer;
mod query;
mod stats;
mod tail;
mod verify;

use std::process::ExitCode;

pub(crate) use key::read as read_signing_key;
pub(crate) use moment::Moment;

use atd_runtime::audit::Matching;

use crate::cli::AuditCommand;
use crate::failure::Failure;
use crate::output::note;

pub(crate) async fn run(command: AuditCommand) -> Result<ExitCode, Failure> {
    match command {
        AuditCommand::Tail(options) => tail::run(options).await,
        AuditCommand::Query(options) => query::run(options),
        AuditCommand::Stats(options) => stats::run(options),
        AuditCommand::Verify(options) => verify::run(options),
        AuditCommand::Head(options) => head::run(options),
        AuditCommand::Key(options) => key::run(&options),
    }
}

/// Says how many of the lines that were read hold no event.
fn note_bad_lines(found: &Matching) -> std::io::Result<()> {
    if found.bad_lines() > 0 {
        let lines = counted(found.bad_lines(), "line");
        note(format!(
            "{lines} without an event; `atd audit verify` says more"
        ))?;
    }
    Ok(())
}

/// `1 line`, `2 lines`.
fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
