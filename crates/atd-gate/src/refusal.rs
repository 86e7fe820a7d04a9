//! Why somebody was not let through.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use atd_proto::CapabilitySet;

use crate::token::{TokenError, TokenId};

/// Why a call was not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The caller lacks a capability.
    #[error(
        "this tool requires the capabilities {required}; the caller holds {granted} and lacks {missing}: \
         ask for them in `hello`, and have the server's operator grant them"
    )]
    CapabilityDenied {
        /// What the tool requires.
        required: CapabilitySet,
        /// What the caller holds.
        granted: Arc<CapabilitySet>,
        /// What is required and not held.
        missing: CapabilitySet,
    },
    /// What the caller's identity rests on holds no longer.
    #[error("{0}; say hello again with what holds")]
    Lapsed(Lapsed),
    /// A limit is reached.
    #[error("{}", limit_reached(*scope, *limit, *retry_after))]
    RateLimited {
        /// Which limit.
        scope: Scope,
        /// How many calls it allows.
        limit: u32,
        /// How long until this call would be let through, if no other comes
        /// first; `None` when that is not known.
        retry_after: Option<Duration>,
    },
}

/// What became of a credential since the hello that it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lapsed {
    /// Its time is over.
    #[error("the credentials of this connection have expired")]
    Expired,
    /// A link of a token's chain was called back.
    #[error("the token {token}, on which this connection's rights rest, was revoked")]
    Revoked {
        /// The link.
        token: TokenId,
    },
    /// The bearer's credential was taken out or changed.
    #[error("the credential of this connection was withdrawn or changed")]
    BearerWithdrawn,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Calls of one tool at a time.
    Concurrency,
    /// Calls of one tool in 60 seconds.
    ToolRate,
    /// Calls of one caller in 60 seconds.
    CallerRate,
    /// Calls of one caller to one tool in 60 seconds.
    CallerToolRate,
    /// Calls in flight over the whole server.
    ServerConcurrency,
    /// Callers who made a call in the last 60 seconds, as far as they are
    /// counted.
    TrackedCallers,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::Concurrency,
        Self::ToolRate,
        Self::CallerRate,
        Self::CallerToolRate,
        Self::ServerConcurrency,
        Self::TrackedCallers,
    ];

    /// Whether it counts calls of the last minute, and not calls under way.
    pub(crate) const fn is_a_rate(self) -> bool {
        matches!(
            self,
            Self::ToolRate | Self::CallerRate | Self::CallerToolRate
        )
    }

    /// The scope as the wire spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::ToolRate => "tool_rate",
            Self::CallerRate => "caller_rate",
            Self::CallerToolRate => "caller_tool_rate",
            Self::ServerConcurrency => "server_concurrency",
            Self::TrackedCallers => "tracked_callers",
        }
    }
}

fn limit_reached(scope: Scope, limit: u32, retry_after: Option<Duration>) -> impl fmt::Display {
    let calls = if limit == 1 { "call" } else { "calls" };
    let limit = match scope {
        Scope::Concurrency => format!("this tool takes {limit} {calls} at a time"),
        Scope::ToolRate => format!("this tool takes {limit} {calls} a minute"),
        Scope::CallerRate => format!("each caller has {limit} {calls} a minute"),
        Scope::CallerToolRate => format!("each caller has {limit} {calls} of this tool a minute"),
        Scope::ServerConcurrency => format!("this server takes {limit} {calls} at a time"),
        Scope::TrackedCallers => format!("this server takes {limit} callers a minute"),
    };
    match retry_after {
        Some(wait) => format!("{limit}; try again in {} ms", millis_ceil(wait)),
        None => format!("{limit}; try again later"),
    }
}

impl Refusal {
    /// The wait in whole milliseconds, rounded up so that it is long enough.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after, .. } => retry_after.map(millis_ceil),
            Self::CapabilityDenied { .. } | Self::Lapsed(_) => None,
        }
    }
}

fn millis_ceil(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Why a hello was refused. The connection keeps the identity that it had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// The client's name is too long to be kept.
    #[error("the client_id is {length} bytes long; at most {limit} are taken")]
    ClientIdTooLong {
        /// Its length in bytes.
        length: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// A token was presented, and nobody is trusted to issue one.
    #[error(
        "a token was presented, and this server trusts no token issuer; leave `ucan_tokens` out"
    )]
    NoTrustedRoot,
    /// A token was presented that is not good. None of the others counts then.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A token was presented without a good proof that the client holds the key
    /// that it is for, where one is demanded.
    #[error("{problem}")]
    Proof {
        /// What was wrong with the proof.
        problem: ProofError,
        /// What the next hello may answer, as
        /// [`Challenge`](crate::ucan::Challenge) writes it; `None` where no
        /// proof is possible.
        challenge: Option<String>,
    },
    /// What the transport knew of the client holds no longer.
    #[error("{0}; connect again with what holds")]
    Lapsed(Lapsed),
}

/// What is wrong with a proof of possession.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// There is none.
    #[error(
        "this server takes a token only from who proves to hold the key that it is for: \
         say hello again with `proof`, which answers the challenge in `details`"
    )]
    Missing,
    /// The client's name is none of a key.
    #[error("the client_id is not the did:key of an Ed25519 key, so nobody can prove to hold it")]
    NoKey,
    /// No challenge is out: each is good for one hello.
    #[error("the proof answers no challenge of this connection, which is good for one hello")]
    NoChallenge,
    /// The challenge is too old.
    #[error("the proof answers a challenge that is too old")]
    Expired,
    /// It is no signature.
    #[error("the proof is no signature: it should be 64 bytes in base64url without padding")]
    Malformed,
    /// It is not the signature that was asked for.
    #[error(
        "the proof is not signed by the key of the client_id, or for another challenge, \
         connection or list of tokens"
    )]
    Wrong,
    /// The transport cannot carry proofs.
    #[error("this server takes a token only with a proof, which this transport cannot carry")]
    NoChannel,
    /// There is nothing to make a challenge of.
    #[error("the server has no random numbers to make a challenge of")]
    NoRandomness,
}

impl From<ProofError> for HelloError {
    fn from(problem: ProofError) -> Self {
        Self::Proof {
            problem,
            challenge: None,
        }
    }
}

/// The process at the other end runs as a user who may not use this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("user id {uid} may not use this server; its operator can allow it")]
pub struct PeerRefused {
    /// The user id.
    pub uid: u32,
}
