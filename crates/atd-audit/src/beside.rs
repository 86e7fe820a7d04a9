//! What is known of a call besides its event.

/// What is known of a call besides its [`CallEvent`](crate::CallEvent), to be
/// written beside the event's fields in the same JSON object.
///
/// ```json
/// {"ts":"…","granted_by":{"everybody":["fs:read"]},"trace_id":"4bf9…","args_sha256":"9f86…"}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// Which mechanism granted which of the capabilities: the mechanism's
    /// name, and the names of the capabilities.
    pub granted_by: Vec<(String, Vec<String>)>,
    /// The W3C trace id that the caller sent: 32 digits of hex.
    pub trace_id: Option<String>,
    /// The SHA-256 of the arguments' JSON text as it came.
    pub args_sha256: Option<[u8; 32]>,
    /// The SHA-256 of the result's JSON text as it went out.
    pub result_sha256: Option<[u8; 32]>,
}

impl Beside {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Which fields of [`Beside`] a sink wants. What no sink wants is not made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BesideFields {
    /// [`Beside::granted_by`].
    pub granted_by: bool,
    /// [`Beside::trace_id`].
    pub trace_id: bool,
    /// [`Beside::args_sha256`].
    pub args_sha256: bool,
    /// [`Beside::result_sha256`].
    pub result_sha256: bool,
}

impl BesideFields {
    /// None.
    pub const NONE: Self = Self {
        granted_by: false,
        trace_id: false,
        args_sha256: false,
        result_sha256: false,
    };

    /// Who granted each capability.
    #[must_use]
    pub fn granted_by(mut self) -> Self {
        self.granted_by = true;
        self
    }

    /// The trace that the call is part of.
    #[must_use]
    pub fn trace_id(mut self) -> Self {
        self.trace_id = true;
        self
    }

    /// Digests of arguments and result. Whoever can guess the arguments can
    /// find out from a digest that they were these.
    #[must_use]
    pub fn digests(mut self) -> Self {
        self.args_sha256 = true;
        self.result_sha256 = true;
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            granted_by: self.granted_by || other.granted_by,
            trace_id: self.trace_id || other.trace_id,
            args_sha256: self.args_sha256 || other.args_sha256,
            result_sha256: self.result_sha256 || other.result_sha256,
        }
    }
}
