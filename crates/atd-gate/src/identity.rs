//! Who is calling, and what that rests on.

use std::sync::Arc;

use atd_proto::CapabilitySet;

/// Who a connection speaks for and what it holds. Cheap to clone.
///
/// An identity is made whole by [`Gate::connect`](crate::Gate::connect) and
/// [`Gate::hello`](crate::Gate::hello) and never changed in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    caller_id: Option<Arc<str>>,
    peer: Option<PeerCredentials>,
    capabilities: Arc<CapabilitySet>,
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
        Self::of_peer(None)
    }

    pub(crate) fn of_peer(peer: Option<PeerCredentials>) -> Self {
        Self {
            caller_id: None,
            peer,
            capabilities: Arc::default(),
        }
    }

    pub(crate) fn named(&self, caller_id: Option<&str>, capabilities: CapabilitySet) -> Self {
        Self {
            caller_id: caller_id.map(Arc::from),
            peer: self.peer,
            capabilities: Arc::new(capabilities),
        }
    }

    /// The name that the client gave itself. It selects nothing that is worth
    /// stealing: see [`verified_id`](Self::verified_id).
    pub fn caller_id(&self) -> Option<&Arc<str>> {
        self.caller_id.as_ref()
    }

    /// The name that somebody else vouches for: `uid:1000` for a process that
    /// the operating system knows. `None` when there is only the client's word.
    pub fn verified_id(&self) -> Option<String> {
        self.peer.map(|peer| format!("uid:{}", peer.uid))
    }

    /// The process at the other end, where the transport can tell.
    pub fn peer(&self) -> Option<PeerCredentials> {
        self.peer
    }

    /// What the caller holds.
    pub fn capabilities(&self) -> &Arc<CapabilitySet> {
        &self.capabilities
    }

    /// What the identity rests on.
    pub fn ground(&self) -> Ground {
        match (&self.peer, &self.caller_id) {
            (Some(_), _) => Ground::Peer,
            (None, Some(_)) => Ground::Asserted,
            (None, None) => Ground::Anonymous,
        }
    }
}
