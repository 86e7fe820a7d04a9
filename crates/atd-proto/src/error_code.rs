//! The numbers that `error` responses carry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `code` of an `error` response.
///
/// A number that this version does not know is kept as it came, so a newer
/// peer's error is still shown and passed on.
///
/// ```
/// use atd_proto::ErrorCode;
///
/// assert_eq!(ErrorCode::RATE_LIMITED.get(), 1002);
/// assert_eq!(ErrorCode::RATE_LIMITED.name(), Some("rate limited"));
/// assert!(ErrorCode::RATE_LIMITED.is_retryable());
/// assert_eq!(ErrorCode::from(4711).name(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ErrorCode(u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal, $retryable:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// Every code that this version knows, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// What the code is called, or `None` for one that this version
            /// does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }

            /// Whether the same request may succeed later without a change.
            /// False for a code that this version does not know.
            pub const fn is_retryable(self) -> bool {
                match self.0 {
                    $($number => $retryable,)*
                    _ => false,
                }
            }
        }
    };
}

codes! {
    /// The caller lacks a capability that the tool requires.
    CAPABILITY_DENIED = 1001, "capability denied", false;
    /// A rate or concurrency limit is reached.
    RATE_LIMITED = 1002, "rate limited", true;
    /// The token broker could not resolve this caller's secrets.
    BROKER_FAILED = 1003, "broker failed", true;
    /// A UCAN token is malformed, badly signed, widened, broken or revoked.
    UCAN_INVALID = 1010, "ucan invalid", false;
    /// A link of a UCAN chain has expired.
    UCAN_EXPIRED = 1011, "ucan expired", false;
    /// A UCAN chain has more links than the server allows.
    DELEGATION_TOO_DEEP = 1012, "delegation too deep", false;
    /// The leaf token is for another audience than this `client_id`.
    AUDIENCE_MISMATCH = 1013, "audience mismatch", false;
    /// The cursor is too old, or from before a restart.
    CURSOR_EXPIRED = 1020, "cursor expired", false;
    /// The cursor is forged, malformed, or for another tool or caller.
    CURSOR_INVALID = 1021, "cursor invalid", false;
    /// A whole frame that is no request. The connection lives on.
    BAD_REQUEST = 1030, "bad request", false;
    /// A frame longer than the limit. The connection is closed.
    FRAME_TOO_LARGE = 1031, "frame too large", false;
    /// The server is shutting down.
    SHUTTING_DOWN = 1032, "shutting down", true;
    /// The server is at its limit of connections or calls.
    OVERLOADED = 1033, "overloaded", true;
    /// The audit log cannot take the call, and it must before the tool runs.
    AUDIT_UNAVAILABLE = 1034, "audit unavailable", true;
    /// The caller cancelled the call.
    CANCELLED = 1035, "cancelled", false;
    /// The arguments do not fit the tool's input schema.
    INVALID_ARGUMENTS = 1040, "invalid arguments", false;
    /// No tool has this id.
    TOOL_NOT_FOUND = 1041, "tool not found", false;
    /// An error without a code of its own.
    UNCLASSIFIED = 1999, "unclassified", false;
}

impl ErrorCode {
    /// The number as it stands on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<u16> for ErrorCode {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "code {}", self.0),
        }
    }
}
