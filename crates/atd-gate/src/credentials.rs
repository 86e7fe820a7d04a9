//! How long an identity stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::authenticator::{Authenticator, Principal};
use crate::refusal::Lapsed;
use crate::token::{Revocations, TokenId};

/// Whose credential a transport received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The name, with the prefix that sets it apart.
    pub(crate) id: Arc<str>,
    pub(crate) principal: Principal,
    /// On the gate's clock.
    pub(crate) ends: Option<Duration>,
}

/// What an identity rests on that may lapse while the connection is open.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// On the gate's clock.
    expires: Option<Duration>,
    /// Of every link of every chain.
    tokens: Vec<TokenId>,
    /// The epochs at which nothing was found revoked.
    checked: [AtomicU64; 2],
}

/// Those who may say that a credential lapsed.
#[derive(Debug, Default)]
pub(crate) struct Authorities {
    pub(crate) revocations: Option<Arc<dyn Revocations>>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
}

impl Authorities {
    /// The states in which they are.
    pub(crate) fn epochs(&self, now: Duration) -> [u64; 2] {
        [
            self.revocations.as_ref().map_or(0, |it| it.epoch(now)),
            self.authenticator.as_ref().map_or(0, |it| it.epoch(now)),
        ]
    }

    pub(crate) fn check_bearer(&self, bearer: &Bearer, now: Duration) -> Result<(), Lapsed> {
        if bearer.ends.is_some_and(|end| now >= end) {
            return Err(Lapsed::Expired);
        }
        let known = self.authenticator.as_ref();
        if known.is_some_and(|it| it.still_knows(&bearer.principal)) {
            Ok(())
        } else {
            Err(Lapsed::BearerWithdrawn)
        }
    }
}

impl Credentials {
    /// Credentials that were good at these epochs.
    pub(crate) fn new(expires: Option<Duration>, tokens: Vec<TokenId>, epochs: [u64; 2]) -> Self {
        Self {
            expires,
            tokens,
            checked: epochs.map(AtomicU64::new),
        }
    }

    /// Whether all of it still holds. Two loads and a comparison, unless
    /// something was revoked since the last call.
    pub(crate) fn check(
        &self,
        bearer: Option<&Bearer>,
        by: &Authorities,
        now: Duration,
    ) -> Result<(), Lapsed> {
        if self.expires.is_some_and(|expires| now >= expires) {
            return Err(Lapsed::Expired);
        }
        let [tokens_epoch, bearer_epoch] = by.epochs(now);
        let [tokens_checked, bearer_checked] = &self.checked;
        if tokens_checked.load(Ordering::Acquire) != tokens_epoch {
            let revocations = by.revocations.as_ref();
            let revoked = |id| revocations.is_some_and(|it| it.is_revoked(id));
            if let Some(id) = self.tokens.iter().find(|id| revoked(id)) {
                return Err(Lapsed::Revoked { token: *id });
            }
            tokens_checked.store(tokens_epoch, Ordering::Release);
        }
        if bearer_checked.load(Ordering::Acquire) != bearer_epoch {
            bearer.map_or(Ok(()), |bearer| by.check_bearer(bearer, now))?;
            bearer_checked.store(bearer_epoch, Ordering::Release);
        }
        Ok(())
    }
}

impl PartialEq for Credentials {
    /// What was checked when does not tell one from another.
    fn eq(&self, other: &Self) -> bool {
        (self.expires, &self.tokens) == (other.expires, &other.tokens)
    }
}

impl Eq for Credentials {}
