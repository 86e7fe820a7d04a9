//! What a connection is, apart from its bytes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use atd_gate::{Channel, Identity};
use atd_proto::extension;
use atd_registry::{ConnectionState, Surroundings};

/// One connection: who is at its other end, and what tools keep for it. A
/// transport makes one with [`Dispatcher::connect`](crate::Dispatcher::connect)
/// and passes it with each request.
///
/// Cheap to clone. A clone keeps the identity that the session had then, so a
/// call that runs beside others is not touched by a later hello.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    identity: Identity,
    phase: Phase,
    surroundings: Arc<Surroundings>,
    request_ids: bool,
    channel: Option<Arc<Channel>>,
}

/// How far a connection has come. The transport sets it, also while a call
/// runs: clones are one.
#[derive(Clone, Debug, Default)]
pub struct Phase(Arc<AtomicU8>);

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CUT: u8 = 2;
const GONE: u8 = 3;

/// Why a call was dropped before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Whoever ran it gave no reason.
    Dropped,
    /// The client left.
    ClientGone,
    /// The server shut down and the call did not end in the time it had.
    ShutDown,
}

impl Session {
    pub(crate) fn new(identity: Identity, working_dir: Arc<PathBuf>) -> Self {
        let surroundings = Surroundings {
            working_dir,
            ..Surroundings::default()
        };
        Self(Arc::new(Inner {
            surroundings: Arc::new(of(&identity, surroundings)),
            identity,
            phase: Phase::default(),
            request_ids: false,
            channel: None,
        }))
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn set_identity(&mut self, identity: Identity) {
        let inner = Arc::make_mut(&mut self.0);
        let surroundings = Surroundings::clone(&inner.surroundings);
        inner.surroundings = Arc::new(of(&identity, surroundings));
        inner.identity = identity;
    }

    /// The transport carries request ids, `cancel` and `progress`: a hello is
    /// answered so.
    pub fn carries_request_ids(&mut self) {
        Arc::make_mut(&mut self.0).request_ids = true;
    }

    /// Says what both ends know the connection by, so that a client can prove
    /// to hold the key that its tokens are for. Without it, a server that
    /// demands such proofs takes no tokens here.
    pub fn goes_over(&mut self, channel: Channel) {
        Arc::make_mut(&mut self.0).channel = Some(Arc::new(channel));
    }

    pub(crate) fn channel(&self) -> Option<&Channel> {
        self.0.channel.as_deref()
    }

    /// What a hello is told that the server understands.
    pub(crate) fn extensions(&self) -> Vec<String> {
        let understood = |name: &&str| self.0.request_ids || *name == extension::TOOL_LIST_FILTER;
        let names = extension::ALL.iter().copied().filter(understood);
        names.map(str::to_owned).collect()
    }

    /// How far the connection has come, for the transport to say.
    pub fn phase(&self) -> &Phase {
        &self.0.phase
    }

    /// What tools keep for the connection.
    pub fn state(&self) -> &ConnectionState {
        &self.0.surroundings.state
    }

    /// What its calls have in common.
    pub(crate) fn surroundings(&self) -> &Arc<Surroundings> {
        &self.0.surroundings
    }
}

/// What the calls of this one have in common.
fn of(identity: &Identity, before: Surroundings) -> Surroundings {
    Surroundings {
        caller_id: identity.caller_id().cloned(),
        capabilities: identity.capabilities().clone(),
        ..before
    }
}

impl Phase {
    /// The server is shutting down: calls that begin from now on are refused.
    pub fn close(&self) {
        self.0.fetch_max(CLOSING, Ordering::AcqRel);
    }

    /// Calls that are dropped from now on were cut by the shutdown; their
    /// records say so.
    pub fn cut(&self) {
        self.0.fetch_max(CUT, Ordering::AcqRel);
    }

    /// The client has left: calls that are dropped from now on ended with it;
    /// their records say so.
    pub fn client_gone(&self) {
        self.0.fetch_max(GONE, Ordering::AcqRel);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire) == OPEN
    }

    pub(crate) fn end_reason(&self) -> EndReason {
        match self.0.load(Ordering::Acquire) {
            GONE => EndReason::ClientGone,
            CUT => EndReason::ShutDown,
            _ => EndReason::Dropped,
        }
    }
}
