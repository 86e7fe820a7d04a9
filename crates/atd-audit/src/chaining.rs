//! That a log is chained, and how it is signed.

#[cfg(feature = "sign")]
use std::num::NonZeroU64;

#[cfg(feature = "sign")]
use crate::SigningKey;

/// Has each line carry a number and a hash over everything before it, so that
/// what is done to the log afterwards shows; see [`verify`](crate::verify())
/// for what that proves.
///
/// Beside the event's own fields a line then has `seq`, counted from 1 without
/// a gap over all segments and restarts; `chain`, a SHA-256 in hex; and, if it
/// is signed, `sig`.
#[derive(Debug, Clone, Default)]
pub struct Chaining {
    #[cfg(feature = "sign")]
    pub(crate) signed: Option<Signed>,
}

/// Who signs, and which lines.
#[cfg(feature = "sign")]
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) key: SigningKey,
    pub(crate) every: NonZeroU64,
}

impl Chaining {
    /// A chain without signatures.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A chain of which every `every`th line is signed with `key`, and so are
    /// the first line that is written to an opened or reopened file, the last
    /// line of a segment that reached a limit, and the last line of a batch
    /// after which the sink ends.
    #[cfg(feature = "sign")]
    #[must_use]
    pub fn signed(key: SigningKey, every: NonZeroU64) -> Self {
        Self {
            signed: Some(Signed { key, every }),
        }
    }
}
