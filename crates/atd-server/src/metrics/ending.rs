//! How a call ended, in few words.

/// How a call ended: the words of the label `outcome`, and of the field
/// `outcome` of a call's span.
///
/// The first six are the kinds of the audit's outcomes. What the audit calls
/// `execution_failed` with a code of the server's own is a word of its own
/// here; the code that a tool gave is not repeated, since there may be any
/// number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallEnding {
    /// The tool did what it was asked.
    Success,
    /// The tool ran and failed.
    ExecutionFailed,
    /// The arguments broke the schema, or the tool refused them.
    InvalidArgs,
    /// The caller lacked a capability.
    CapabilityDenied,
    /// A limit was reached.
    RateLimited,
    /// No tool had the id.
    ToolNotFound,
    /// The call took longer than it may.
    DeadlineExceeded,
    /// The caller cancelled it.
    Cancelled,
    /// The client left.
    ClientGone,
    /// The server shut down.
    ShutDown,
    /// The tool panicked.
    Panicked,
    /// The result was too long, too deep, or broke its schema.
    OutputRefused,
    /// No thread was free for the tool.
    Overloaded,
    /// The cursor was expired or none of this server's.
    CursorRefused,
    /// The audit could not answer for the call.
    AuditUnavailable,
    /// The caller's secrets could not be resolved.
    BrokerFailed,
    /// What the caller's identity rests on holds no longer.
    CredentialsLapsed,
    /// Anything else: a middleware refused it, its request id was taken, the
    /// tool is at fault.
    Other,
}

impl CallEnding {
    /// Every ending, in the order in which they are shown.
    pub const ALL: [Self; 18] = [
        Self::Success,
        Self::ExecutionFailed,
        Self::InvalidArgs,
        Self::CapabilityDenied,
        Self::RateLimited,
        Self::ToolNotFound,
        Self::DeadlineExceeded,
        Self::Cancelled,
        Self::ClientGone,
        Self::ShutDown,
        Self::Panicked,
        Self::OutputRefused,
        Self::Overloaded,
        Self::CursorRefused,
        Self::AuditUnavailable,
        Self::BrokerFailed,
        Self::CredentialsLapsed,
        Self::Other,
    ];

    /// The ending as labels and fields spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExecutionFailed => "execution_failed",
            Self::InvalidArgs => "invalid_args",
            Self::CapabilityDenied => "capability_denied",
            Self::RateLimited => "rate_limited",
            Self::ToolNotFound => "tool_not_found",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Cancelled => "cancelled",
            Self::ClientGone => "client_gone",
            Self::ShutDown => "shut_down",
            Self::Panicked => "panicked",
            Self::OutputRefused => "output_refused",
            Self::Overloaded => "overloaded",
            Self::CursorRefused => "cursor_refused",
            Self::AuditUnavailable => "audit_unavailable",
            Self::BrokerFailed => "broker_failed",
            Self::CredentialsLapsed => "credentials_lapsed",
            Self::Other => "other",
        }
    }

    /// Its place in [`ALL`](Self::ALL), which is the order of the variants.
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for CallEnding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::CallEnding;

    #[test]
    fn every_ending_has_its_own_place_and_its_own_word() {
        for (at, ending) in CallEnding::ALL.into_iter().enumerate() {
            assert_eq!(ending.index(), at, "{ending}");
            let same = |other: &&CallEnding| other.as_str() == ending.as_str();
            assert_eq!(CallEnding::ALL.iter().filter(same).count(), 1, "{ending}");
        }
    }
}
