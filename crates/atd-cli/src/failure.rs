//! What went wrong, as a person and a shell learn it.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use atd_runtime::audit::ReadError;
use atd_runtime::client::ClientError;
use atd_runtime::proto::{ErrorBody, ErrorCode};
use atd_runtime::registry::RegisterError;

use crate::config::Problem;
use crate::output;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 4;

/// What went wrong, what to do about it, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// Nobody reads any more: no failure of ours.
    silent: bool,
    message: String,
    advice: Option<String>,
}

impl Failure {
    /// The tool failed, the call was refused, or something else did not work.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self {
            code: FAILED,
            silent: false,
            message: message.to_string(),
            advice: None,
        }
    }

    /// What was typed cannot be carried out.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self {
            code: USAGE,
            ..Self::failed(message)
        }
    }

    /// There is nobody to ask.
    pub(crate) fn unreachable(message: impl Display) -> Self {
        Self {
            code: UNREACHABLE,
            ..Self::failed(message)
        }
    }

    /// What went wrong, in one sentence.
    pub(crate) fn text(&self) -> &str {
        &self.message
    }

    /// The same, with what to do about it.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Says it on standard error.
    pub(crate) fn report(self) -> ExitCode {
        if self.silent {
            return ExitCode::SUCCESS;
        }
        if output::notes_are_logged() {
            let advice = self.advice.as_deref();
            tracing::error!(target: "atd::command", advice, "{}", self.message);
            return ExitCode::from(self.code);
        }
        let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        let mut out = anstream::stderr().lock();
        // Where standard error is gone there is nowhere left to say it.
        let _ = writeln!(out, "{red}error:{red:#} {}", self.message);
        if let Some(advice) = &self.advice {
            let bold = Style::new().bold();
            let _ = writeln!(out, "{bold}try:{bold:#} {advice}");
        }
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Every mistake in the configuration, each on a line of its own.
impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::usage(listed(&problems))
    }
}

/// How many mistakes are listed; nobody reads more.
const LISTED: usize = 1000;

/// How many mistakes there are, and on a line of its own each of them.
pub(crate) fn listed(problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let mut text = format!("the configuration has {count}:");
    for problem in problems.iter().take(LISTED) {
        text.push_str(&format!("\n  {problem}"));
    }
    if problems.len() > LISTED {
        text.push_str(&format!("\n  and {} more", problems.len() - LISTED));
    }
    text
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            silent: error.kind() == io::ErrorKind::BrokenPipe,
            ..Self::failed(error)
        }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        Self::failed(error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let failure = match std::error::Error::source(&error) {
            Some(source) => Self::failed(format!("{error}: {source}")),
            None => Self::failed(&error),
        };
        match error {
            ReadError::NoLog { .. } => failure.advise("name another log with --log FILE"),
            _ => failure,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Connect { .. } => Self {
                code: UNREACHABLE,
                ..Self::failed(&error)
            }
            .advise("`atd serve` starts a server; `atd doctor` looks at one"),
            ClientError::Closed { .. } => Self {
                code: UNREACHABLE,
                ..Self::failed(&error)
            },
            ClientError::Refused(body) => {
                let failure = Self::failed(&error);
                match advice_for(body) {
                    Some(advice) => failure.advise(advice),
                    None => failure,
                }
            }
            _ => Self::failed(error),
        }
    }
}

/// What somebody at a shell can do about a refusal.
fn advice_for(body: &ErrorBody) -> Option<String> {
    if body.challenge().is_some() {
        return Some("--key with the file of the key that the token is for".to_owned());
    }
    let details = body.details.as_ref()?;
    match body.code? {
        ErrorCode::CAPABILITY_DENIED => {
            let missing = details["missing"].as_array()?.iter();
            let ask: Vec<String> = missing
                .filter_map(|capability| Some(format!("--request {}", capability.as_str()?)))
                .collect();
            Some(format!(
                "{}; the server must have been started with --grant for it",
                ask.join(" ")
            ))
        }
        ErrorCode::RATE_LIMITED => {
            let wait = details["retry_after_ms"].as_u64()?;
            Some(format!("again in {:.1} s", wait as f64 / 1000.0))
        }
        ErrorCode::TOOL_NOT_FOUND => Some("`atd list` shows what there is".to_owned()),
        ErrorCode::INVALID_ARGUMENTS => Some("`atd schema` shows what the tool takes".to_owned()),
        _ => None,
    }
}
