//! What is known of a log besides the log.

use crate::Head;
#[cfg(feature = "sign")]
use crate::PublicKey;

/// What is known of a log besides the log, for [`verify`](crate::verify()).
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    #[cfg(feature = "sign")]
    pub(super) key: Option<PublicKey>,
    pub(super) heads: Vec<Head>,
    pub(super) complete: bool,
    pub(super) chained: bool,
    pub(super) unchained_start: bool,
}

impl VerifyOptions {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose signatures the log holds. Without it, signatures are counted and
    /// not checked. A log without a chain is then broken.
    #[cfg(feature = "sign")]
    #[must_use]
    pub fn key(mut self, key: PublicKey) -> Self {
        self.key = Some(key);
        self.chained(true)
    }

    /// A head that the log had at some time, kept elsewhere since; any number
    /// of them. The log must have that line, with that chain, or begin right
    /// behind it. A log without a chain is then broken.
    #[must_use]
    pub fn expect(mut self, head: Head) -> Self {
        self.heads.push(head);
        self.heads.sort_by_key(Head::seq);
        self.chained(true)
    }

    /// Whether the log must begin with its first line, because nothing was
    /// ever taken out of it.
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }

    /// Whether the log must have a chain.
    #[must_use]
    pub fn chained(mut self, chained: bool) -> Self {
        self.chained = chained;
        self
    }

    /// Whether lines without a chain may stand before the first line of the
    /// chain, because the log was begun without one. Nothing is proven of
    /// them: anybody can have put them there.
    #[must_use]
    pub fn unchained_start(mut self, allowed: bool) -> Self {
        self.unchained_start = allowed;
        self
    }
}
