//! Tokens that were called back.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::token::TokenId;

/// Knows which tokens were called back. A chain with such a link is refused at
/// hello, and an open connection that rests on one is refused its next call.
pub trait Revocations: Debug + Send + Sync + 'static {
    /// A number that is another one whenever [`is_revoked`](Self::is_revoked)
    /// may answer otherwise than before. It is asked for at each call of a
    /// caller who came with a token, so it must be cheap. `now` is the gate's
    /// [`Clock`](crate::Clock), for whoever looks only from time to time; to
    /// let a revocation bite within a second, look at least once a second.
    fn epoch(&self, now: Duration) -> u64;

    /// Whether this token was called back.
    fn is_revoked(&self, token: &TokenId) -> bool;
}

/// Revocations held in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RevocationSet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tokens: RwLock<HashSet<TokenId>>,
    epoch: AtomicU64,
}

impl RevocationSet {
    /// Calls a token back, for good.
    pub fn revoke(&self, token: TokenId) {
        self.extend([token]);
    }

    pub(super) fn extend(&self, tokens: impl IntoIterator<Item = TokenId>) {
        let mut held = self
            .0
            .tokens
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        held.extend(tokens);
        // Under the lock, so that who sees the new number sees the token too.
        self.0.epoch.fetch_add(1, Ordering::Release);
    }

    pub(super) fn replace(&self, tokens: HashSet<TokenId>) {
        let mut held = self
            .0
            .tokens
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = tokens;
        self.0.epoch.fetch_add(1, Ordering::Release);
    }
}

impl Revocations for RevocationSet {
    fn epoch(&self, _: Duration) -> u64 {
        self.0.epoch.load(Ordering::Acquire)
    }

    fn is_revoked(&self, token: &TokenId) -> bool {
        let held = self.0.tokens.read().unwrap_or_else(PoisonError::into_inner);
        held.contains(token)
    }
}

impl<R: Revocations + ?Sized> Revocations for Arc<R> {
    fn epoch(&self, now: Duration) -> u64 {
        (**self).epoch(now)
    }

    fn is_revoked(&self, token: &TokenId) -> bool {
        (**self).is_revoked(token)
    }
}
