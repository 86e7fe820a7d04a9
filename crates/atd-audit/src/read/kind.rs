//! The kinds of outcomes, by their names on the wire.

use std::{fmt, str::FromStr};

use super::ReadError;
use crate::Outcome;

/// Which variant an [`Outcome`] is; its text is the `kind` of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// [`Outcome::Success`].
    Success,
    /// [`Outcome::ExecutionFailed`].
    ExecutionFailed,
    /// [`Outcome::InvalidArgs`].
    InvalidArgs,
    /// [`Outcome::CapabilityDenied`].
    CapabilityDenied,
    /// [`Outcome::RateLimited`].
    RateLimited,
    /// [`Outcome::ToolNotFound`].
    ToolNotFound,
}

impl OutcomeKind {
    /// Every kind, success first.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::ExecutionFailed,
        Self::InvalidArgs,
        Self::CapabilityDenied,
        Self::RateLimited,
        Self::ToolNotFound,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExecutionFailed => "execution_failed",
            Self::InvalidArgs => "invalid_args",
            Self::CapabilityDenied => "capability_denied",
            Self::RateLimited => "rate_limited",
            Self::ToolNotFound => "tool_not_found",
        }
    }
}

impl From<&Outcome> for OutcomeKind {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::ExecutionFailed { .. } => Self::ExecutionFailed,
            Outcome::InvalidArgs { .. } => Self::InvalidArgs,
            Outcome::CapabilityDenied { .. } => Self::CapabilityDenied,
            Outcome::RateLimited { .. } => Self::RateLimited,
            Outcome::ToolNotFound => Self::ToolNotFound,
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for OutcomeKind {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let mut kinds = Self::ALL.into_iter();
        kinds
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ReadError::OutcomeKind { text: text.into() })
    }
}
