//! Events on standard output, each on its line.

use std::io::{self, BufWriter, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::Style;
use atd_runtime::Outcome;
use atd_runtime::audit::{BadLine, Entry, OutcomeKind, Record};

use super::counted;
use crate::output::{BOLD, DIM, GREEN, RED, YELLOW, one_line};

/// Prints events as rows for people, or as their lines in the log.
pub(super) struct Printer {
    out: BufWriter<AutoStream<StdoutLock<'static>>>,
    json: bool,
}

impl Printer {
    /// Rows have a header.
    pub(super) fn new(json: bool) -> io::Result<Self> {
        let mut printer = Self {
            out: BufWriter::new(anstream::stdout().lock()),
            json,
        };
        if !json {
            let header = row("TIME", "OUTCOME", "MS", "TOOL", "CALLER", "CALL");
            writeln!(printer.out, "{BOLD}{header}{BOLD:#}")?;
        }
        Ok(printer)
    }

    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Event(entry) => self.event(entry),
            Record::Bad(line) => self.bad(line),
            _ => Ok(()),
        }
    }

    pub(super) fn event(&mut self, entry: &Entry) -> io::Result<()> {
        if self.json {
            return writeln!(self.out, "{}", entry.line);
        }
        if entry.lost_before > 0 {
            let lost = counted(entry.lost_before, "event");
            writeln!(self.out, "{YELLOW}-- {lost} lost here{YELLOW:#}")?;
        }
        let event = &entry.event;
        let kind = OutcomeKind::from(&event.outcome);
        let row = row(
            &event.ts,
            kind.as_str(),
            &event.duration_ms.to_string(),
            &event.tool_id,
            event.caller_id.as_deref().unwrap_or("-"),
            &event.call_id,
        );
        let style = style(kind);
        write!(self.out, "{style}{row}{style:#}")?;
        if let Some(detail) = detail(&event.outcome) {
            write!(self.out, "  {DIM}{}{DIM:#}", one_line(&detail))?;
        }
        writeln!(self.out)
    }

    /// A line that holds no event; programs learn of it on standard error.
    fn bad(&mut self, line: &BadLine) -> io::Result<()> {
        let text = one_line(&format!("{}: {}", line.at, line.problem));
        match self.json {
            true => crate::output::note(text),
            false => writeln!(self.out, "{YELLOW}-- {text}{YELLOW:#}"),
        }
    }

    /// Lets what was printed be seen.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn row(ts: &str, outcome: &str, ms: &str, tool: &str, caller: &str, call: &str) -> String {
    let row = format!("{ts:<27}  {outcome:<17}  {ms:>7}  {tool:<24}  {caller:<16}  {call:<26}");
    one_line(row.trim_end())
}

/// The colour of a kind of outcome.
pub(super) fn style(kind: OutcomeKind) -> Style {
    match kind {
        OutcomeKind::Success => GREEN,
        OutcomeKind::ExecutionFailed => RED,
        _ => YELLOW,
    }
}

/// What an outcome says beside its kind.
fn detail(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::ExecutionFailed { code, .. } => Some(code.clone()),
        Outcome::InvalidArgs { message } => Some(message.clone()),
        Outcome::CapabilityDenied { missing } => Some(format!("lacked {}", missing.join(", "))),
        Outcome::RateLimited { retry_after_ms } => {
            retry_after_ms.map(|ms| format!("again in {ms} ms"))
        }
        Outcome::Success | Outcome::ToolNotFound => None,
    }
}
