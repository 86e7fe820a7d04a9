//! What a command came to.

use atd_process::{Exit, Finished};
use schemars::JsonSchema;
use serde::Serialize;

/// What a command came to.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExecResult {
    /// What it exited with; left out when it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    /// The number of the signal that ended it; left out when it exited or its
    /// time was up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    /// Whether it was ended because its time was up.
    timed_out: bool,
    /// The beginning of what it wrote to its standard output.
    stdout: String,
    /// How many bytes came after that; left out when there were none.
    #[serde(default, skip_serializing_if = "is_zero")]
    stdout_left_out: u64,
    /// The end of what it wrote to its standard error.
    stderr: String,
    /// How many bytes came before that; left out when there were none.
    #[serde(default, skip_serializing_if = "is_zero")]
    stderr_left_out: u64,
}

/// How much of a command's output is kept, in bytes.
pub(super) struct Kept {
    pub(super) stdout: usize,
    pub(super) stderr: usize,
}

/// What all but the output takes of a result, in bytes of JSON, at most.
const AROUND: usize = 512;

impl Kept {
    /// As much as a result of `budget` bytes of JSON has room for, where one
    /// byte may take six (`\u0000`).
    pub(super) fn within(budget: usize) -> Self {
        let stderr = (budget.saturating_sub(AROUND) / 6 / 5).min(16 << 10);
        Self {
            stdout: 4 * stderr,
            stderr,
        }
    }
}

impl ExecResult {
    pub(super) fn of(finished: Finished) -> Self {
        let (exit_code, signal, timed_out) = match finished.exit {
            Exit::Code(code) => (Some(code), None, false),
            Exit::Signal(signal) => (None, Some(signal), false),
            _ => (None, None, true),
        };
        Self {
            exit_code,
            signal,
            timed_out,
            stdout: text(finished.stdout),
            stdout_left_out: finished.stdout_left_out,
            stderr: text(finished.stderr),
            stderr_left_out: finished.stderr_left_out,
        }
    }
}

/// What is no UTF-8 is shown as U+FFFD.
fn text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
