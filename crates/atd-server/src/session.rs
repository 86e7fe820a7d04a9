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
    ending: Ending,
}

/// Why the calls of a connection that are dropped were dropped. Shared with
/// the transport, which knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<AtomicU8>);

/// Why a call was dropped before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The client left; the reason of whoever gives none.
    ClientGone,
    /// The server shut down and the call did not end in the time it had.
    ShutDown,
}

impl Session {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            ending: Ending::default(),
        }
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn set_identity(&mut self, identity: Identity) {
        self.identity = identity;
    }

    pub(crate) fn ending(&self) -> &Ending {
        &self.ending
    }
}

impl Ending {
    pub(crate) fn set(&self, reason: EndReason) {
        self.0.store(reason as u8, Ordering::Release);
    }

    pub(crate) fn reason(&self) -> EndReason {
        if self.0.load(Ordering::Acquire) == EndReason::ShutDown as u8 {
            EndReason::ShutDown
        } else {
            EndReason::ClientGone
        }
    }
}
