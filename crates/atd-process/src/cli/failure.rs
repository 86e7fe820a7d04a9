//! What a call failed with.

use atd_registry::ToolCallError;
use secrecy::{ExposeSecret, SecretString};

use super::SHOWN;
use crate::error::ProgramError;
use crate::run::{Exit, Finished};

/// What takes the bearer's place.
const REDACTED: &str = "[redacted]";

/// How much of a bearer is taken for more than a word that happens to end like
/// one begins, in bytes.
const HALF: usize = 4;

/// What is known of a failure but for the run itself.
pub(super) struct Failure<'a> {
    pub(super) cmd: &'a str,
    pub(super) code: &'a str,
    pub(super) bearer: Option<&'a SecretString>,
}

impl Failure<'_> {
    /// What the caller learns of a program that did not exit with 0.
    pub(super) fn of(&self, finished: &Finished) -> ToolCallError {
        let ended = match finished.exit {
            Exit::Code(code) => format!("`{}` exited with code {code}", self.cmd),
            Exit::Signal(signal) => format!("`{}` was ended by signal {signal}", self.cmd),
            Exit::Stopped => format!("`{}` was stopped", self.cmd),
        };
        let said = match self.last_of(&finished.stderr, finished.stderr_left_out > 0) {
            said if said.is_empty() => self.last_of(&finished.stdout, false),
            said => said,
        };
        let separator = if said.is_empty() { "" } else { ": " };
        ToolCallError::failed(self.code, format!("{ended}{separator}{said}"))
    }

    /// The last of what it wrote, without the bearer. `cut` says that it begins
    /// anywhere.
    fn last_of(&self, wrote: &[u8], cut: bool) -> String {
        let bearer = self.bearer.map_or("", ExposeSecret::expose_secret);
        let wrote = without_halves(wrote, bearer.as_bytes(), cut);
        // Taken out before any of it is cut, or half a bearer would stay.
        let text = String::from_utf8_lossy(wrote);
        let text = match bearer {
            "" => text.into_owned(),
            _ => text.replace(bearer, REDACTED),
        };
        let text = text.trim();
        let mut start = text.len().saturating_sub(SHOWN);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let mark = if start > 0 || cut { "…" } else { "" };
        format!("{mark}{}", &text[start..])
    }
}

/// What is left of `wrote` without the half of a bearer that it begins with, if
/// it was cut there, and the one that it ends with, as where its program was
/// ended while it wrote.
fn without_halves<'a>(wrote: &'a [u8], bearer: &[u8], cut: bool) -> &'a [u8] {
    let mut ends = (1..bearer.len()).map(|start| &bearer[start..]);
    let before = ends.find(|end| cut && wrote.starts_with(end));
    let wrote = &wrote[before.map_or(0, <[u8]>::len)..];
    let mut beginnings = (HALF..bearer.len()).rev().map(|end| &bearer[..end]);
    let after = beginnings.find(|beginning| wrote.ends_with(beginning));
    &wrote[..wrote.len() - after.map_or(0, <[u8]>::len)]
}

/// What the caller learns of a program that did not run to its end.
pub(super) fn not_run(error: ProgramError) -> ToolCallError {
    match error {
        ProgramError::NotFound { .. } => ToolCallError::failed("PROGRAM_NOT_FOUND", error),
        ProgramError::NotExecutable { .. } => {
            ToolCallError::failed("PROGRAM_NOT_EXECUTABLE", error)
        }
        ProgramError::ArgumentTooLong { .. } | ProgramError::ArgumentsTooLong { .. } => {
            ToolCallError::invalid_arg("", format!("they are too long for a program: {error}"))
        }
        ProgramError::NoRoom(_) => ToolCallError::Overloaded,
        ProgramError::OutputTooLarge { limit } => ToolCallError::OutputTooLarge {
            limit: limit.saturating_sub(1),
        },
        other => ToolCallError::internal(other),
    }
}
