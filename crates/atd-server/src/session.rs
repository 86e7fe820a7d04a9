//! What a connection is, apart from its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use atd_gate::Identity;

/// One connection: who is at its other end. A transport makes one with
/// [`Dispatcher::connect`](crate::Dispatcher::connect) and passes it with each
/// request.
#[derive(Debug)]
pub struct Session {
    identity: Identity,
    phase: Phase,
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
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            phase: Phase::default(),
        }
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn set_identity(&mut self, identity: Identity) {
        self.identity = identity;
    }

    /// How far the connection has come, for the transport to say.
    pub fn phase(&self) -> &Phase {
        &self.phase
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
