//! The gate itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use atd_proto::{CapabilitySet, Hello};

use crate::clock::{Clock, MonotonicClock};
use crate::identity::{Identity, PeerCredentials};
use crate::limits::{Limits, Permit};
use crate::refusal::{HelloError, PeerRefused, Refusal};
use crate::requirement::Requirement;

/// The longest `client_id` that is kept, in bytes.
const MAX_CLIENT_ID: usize = 1024;

/// Decides who may call what, and how often. All of it through `&self`, from
/// any number of threads.
#[derive(Debug)]
pub struct Gate {
    allowed: CapabilitySet,
    uids: BTreeSet<u32>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// Builds a [`Gate`]. Without a word from the builder nobody is granted a
/// capability, and of the local users only the server's own is let in.
#[derive(Debug)]
pub struct GateBuilder {
    allowed: Vec<String>,
    uids: BTreeSet<u32>,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// Starts a gate that grants nothing.
    pub fn builder() -> GateBuilder {
        GateBuilder {
            allowed: Vec::new(),
            uids: BTreeSet::from([rustix::process::geteuid().as_raw()]),
            clock: Arc::new(MonotonicClock::default()),
        }
    }

    /// The identity of a connection that has said nothing yet. `peer` is what
    /// the transport knows of the other end, if it knows anything.
    ///
    /// # Errors
    /// [`PeerRefused`] when that user is not allowed.
    pub fn connect(&self, peer: Option<PeerCredentials>) -> Result<Identity, PeerRefused> {
        match peer {
            Some(PeerCredentials { uid, .. }) if !self.uids.contains(&uid) => {
                Err(PeerRefused { uid })
            }
            known => Ok(Identity::of_peer(known)),
        }
    }

    /// The identity that takes the place of `current` after this hello: what
    /// the client asks for and is allowed.
    ///
    /// # Errors
    /// [`HelloError`]; `current` then stays as it was.
    pub fn hello(&self, current: &Identity, hello: &Hello) -> Result<Identity, HelloError> {
        if let Some(length) = hello.client_id.as_ref().map(String::len)
            && length > MAX_CLIENT_ID
        {
            return Err(HelloError::ClientIdTooLong {
                length,
                limit: MAX_CLIENT_ID,
            });
        }
        if !hello.ucan_tokens.is_empty() {
            return Err(HelloError::NoTrustedRoot);
        }
        let granted = self.allowed.intersection(&hello.requested_capabilities);
        Ok(current.named(hello.client_id.as_deref(), granted))
    }

    /// Lets one call through, or says why not. The [`Permit`] is held until
    /// the call has ended.
    ///
    /// A call that is refused counts against no limit.
    ///
    /// # Errors
    /// [`Refusal`] with what was missing or how long to wait.
    pub fn admit(&self, caller: &Identity, need: &Requirement<'_>) -> Result<Permit, Refusal> {
        let granted = caller.capabilities();
        if !granted.contains_all(need.capabilities) {
            return Err(Refusal::CapabilityDenied {
                required: need.capabilities.clone(),
                granted: granted.clone(),
                missing: need.capabilities.difference(granted),
            });
        }
        if need.is_unlimited() {
            return Ok(Permit::unlimited());
        }
        self.limits.admit(need, self.clock.now())
    }
}

impl GateBuilder {
    /// Allows these capabilities to whoever asks for them.
    #[must_use]
    pub fn allow<S: Into<String>>(mut self, capabilities: impl IntoIterator<Item = S>) -> Self {
        self.allowed
            .extend(capabilities.into_iter().map(Into::into));
        self
    }

    /// Lets in processes of this local user, beside the server's own.
    #[must_use]
    pub fn allow_uid(mut self, uid: u32) -> Self {
        self.uids.insert(uid);
        self
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The gate.
    pub fn build(self) -> Gate {
        Gate {
            allowed: self.allowed.into(),
            uids: self.uids,
            clock: self.clock,
            limits: Limits::default(),
        }
    }
}
