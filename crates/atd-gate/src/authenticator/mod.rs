//! Credentials that are not tokens of the protocol.

#[cfg(feature = "bearer")]
mod table;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use atd_proto::CapabilitySet;

#[cfg(feature = "bearer")]
pub use table::{BearerHash, BearerTable, BearerTableError};

/// Turns a credential that a transport received into somebody known.
///
/// It is asked on the thread of the connection and must not wait for anybody:
/// who asks over a network holds what it learnt in memory.
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// Whose credential this is. `now` is the gate's
    /// [`Clock`](crate::Clock), `unix_now` the time since 1970.
    ///
    /// # Errors
    /// [`AuthenticationError`].
    fn authenticate(
        &self,
        credential: &str,
        now: Duration,
        unix_now: Duration,
    ) -> Result<Principal, AuthenticationError>;

    /// A number that is another one whenever
    /// [`still_knows`](Self::still_knows) may answer otherwise than before. It
    /// is asked for at each call of a bearer, so it must be cheap.
    fn epoch(&self, now: Duration) -> u64 {
        let _ = now;
        0
    }

    /// Whether a credential that it accepted still holds as it was. Where it
    /// does not, an open connection is refused its next call.
    fn still_knows(&self, principal: &Principal) -> bool {
        let _ = principal;
        true
    }
}

/// Somebody who presented a good credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A name. The identity's verified id is `bearer:` and this.
    pub name: Arc<str>,
    /// What the credential grants to who asks for it.
    pub capabilities: CapabilitySet,
    /// When the credential ends, as the time since 1970; `None` for never.
    pub expires: Option<Duration>,
    /// Which of its holder's credentials it is: what the authenticator knows
    /// it by again. Never the credential itself.
    pub handle: Arc<str>,
}

/// Why a credential was refused. It repeats nothing of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// Nobody is known by it.
    #[error("the credential is not known here")]
    Unknown,
    /// It was good once.
    #[error("the credential has expired; get a new one")]
    Expired,
    /// There is nobody to ask.
    #[error("this server takes no credentials")]
    NotTaken,
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate(
        &self,
        credential: &str,
        now: Duration,
        unix_now: Duration,
    ) -> Result<Principal, AuthenticationError> {
        (**self).authenticate(credential, now, unix_now)
    }

    fn epoch(&self, now: Duration) -> u64 {
        (**self).epoch(now)
    }

    fn still_knows(&self, principal: &Principal) -> bool {
        (**self).still_knows(principal)
    }
}
