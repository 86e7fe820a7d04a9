//! Who is calling, and what that rests on.

use std::sync::Arc;

use atd_proto::CapabilitySet;

use crate::credentials::{Bearer, Credentials};
use crate::grant::{Grant, Mechanism};
use crate::limits::CallerKey;

/// Who a connection speaks for and what it holds. Cheap to clone.
///
/// An identity is made whole by [`Gate::connect`](crate::Gate::connect),
/// [`Gate::authenticate`](crate::Gate::authenticate) and
/// [`Gate::hello`](crate::Gate::hello) and never changed in part. It stands and
/// falls whole too: once a token or bearer that it rests on has expired or was
/// revoked, [`Gate::admit`](crate::Gate::admit) refuses it every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Arc<Inner>);

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) caller_id: Option<Arc<str>>,
    pub(crate) peer: Option<PeerCredentials>,
    /// Whose credential the transport received.
    pub(crate) bearer: Option<Arc<Bearer>>,
    /// The audience of the tokens.
    pub(crate) token_id: Option<Arc<str>>,
    /// The strongest of the names that somebody vouches for.
    pub(crate) verified_id: Option<Arc<str>>,
    pub(crate) capabilities: Arc<CapabilitySet>,
    /// Sorted by capability.
    pub(crate) grants: Vec<Grant>,
    pub(crate) credentials: Option<Credentials>,
    /// By what the limits of a caller are kept; the verified name's.
    pub(crate) key: Option<CallerKey>,
}

/// What an identity rests on, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ground {
    /// Nothing is known.
    Anonymous,
    /// The client gave itself a name, and nothing more.
    Asserted,
    /// The operating system says which user is at the other end.
    Peer,
    /// The client presented a credential that an
    /// [`Authenticator`](crate::Authenticator) knows.
    Bearer,
    /// The client presented a chain of capability tokens from a trusted root.
    Token,
}

impl Ground {
    /// Whether somebody else than the client vouches for its name.
    pub fn is_verified(self) -> bool {
        self >= Self::Peer
    }

    /// The ground as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Asserted => "asserted",
            Self::Peer => "peer",
            Self::Bearer => "bearer",
            Self::Token => "token",
        }
    }
}

/// What the operating system says of the process at the other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
    /// Its process id, where the system tells it.
    pub pid: Option<i32>,
}

impl Identity {
    /// Nobody in particular, holding nothing.
    pub fn anonymous() -> Self {
        Self::new(Inner::default())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The name that the client gave itself. It selects nothing that is worth
    /// stealing: see [`verified_id`](Self::verified_id).
    pub fn caller_id(&self) -> Option<&Arc<str>> {
        self.0.caller_id.as_ref()
    }

    /// The name that somebody else vouches for, on the strongest ground there
    /// is: `did:key:z6Mk…` for the audience of a token, `bearer:NAME` for a
    /// bearer, `uid:1000` for a process that the operating system knows.
    /// `None` when there is only the client's word.
    ///
    /// While a credential lapses, the name stays; it is `admit` that refuses.
    pub fn verified_id(&self) -> Option<&Arc<str>> {
        self.0.verified_id.as_ref()
    }

    /// The process at the other end, where the transport can tell.
    pub fn peer(&self) -> Option<PeerCredentials> {
        self.0.peer
    }

    /// What the caller holds.
    pub fn capabilities(&self) -> &Arc<CapabilitySet> {
        &self.0.capabilities
    }

    /// Each capability that the caller holds, with what granted it, sorted by
    /// capability. One that was granted by several stands several times.
    pub fn grants(&self) -> &[Grant] {
        &self.0.grants
    }

    /// What granted this capability; nothing where the caller lacks it.
    pub fn granted_by<'a>(&'a self, capability: &str) -> impl Iterator<Item = &'a Mechanism> {
        let grants = &self.0.grants;
        let start = grants.partition_point(|grant| grant.capability() < capability);
        let end = start + grants[start..].partition_point(|grant| grant.capability() <= capability);
        grants[start..end].iter().map(Grant::mechanism)
    }

    /// What the identity rests on, at its strongest.
    pub fn ground(&self) -> Ground {
        let inner = self.inner();
        if inner.token_id.is_some() {
            Ground::Token
        } else if inner.bearer.is_some() {
            Ground::Bearer
        } else if inner.peer.is_some() {
            Ground::Peer
        } else if inner.caller_id.is_some() {
            Ground::Asserted
        } else {
            Ground::Anonymous
        }
    }
}

impl Inner {
    /// Every name that somebody vouches for.
    pub(crate) fn verified_names(&self) -> impl Iterator<Item = Arc<str>> {
        let peer = self.peer.map(|peer| format!("uid:{}", peer.uid).into());
        let bearer = self.bearer.as_ref().map(|bearer| &bearer.id);
        let named = [self.token_id.as_ref(), bearer];
        named.into_iter().flatten().cloned().chain(peer)
    }
}
