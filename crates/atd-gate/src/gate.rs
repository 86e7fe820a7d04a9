//! The gate itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use atd_proto::Hello;

use crate::authenticator::{AuthenticationError, Authenticator};
use crate::clock::{Clock, MonotonicClock};
use crate::grant::Grantee;
use crate::hello::Greeter;
use crate::identity::{Identity, PeerCredentials};
use crate::limits::{Limits, Permit};
use crate::refusal::{HelloError, PeerRefused, Refusal};
use crate::requirement::Requirement;
use crate::token::Revocations;

/// Decides who may call what, and how often. All of it through `&self`, from
/// any number of threads.
#[derive(Debug)]
pub struct Gate {
    uids: BTreeSet<u32>,
    greeter: Greeter,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// Builds a [`Gate`]. Without a word from the builder nobody is granted a
/// capability, nobody is trusted to issue tokens, and of the local users only
/// the server's own is let in.
#[derive(Debug)]
pub struct GateBuilder {
    uids: BTreeSet<u32>,
    greeter: Greeter,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// Starts a gate that grants nothing.
    pub fn builder() -> GateBuilder {
        GateBuilder {
            uids: BTreeSet::from([rustix::process::geteuid().as_raw()]),
            greeter: Greeter::default(),
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
            known => Ok(self.greeter.connect(known)),
        }
    }

    /// The identity that takes the place of `current` once its transport
    /// received this credential, such as a bearer token in a header. It holds
    /// nothing until a hello asks.
    ///
    /// # Errors
    /// [`AuthenticationError`]; `current` then stays as it was.
    pub fn authenticate(
        &self,
        current: &Identity,
        credential: &str,
    ) -> Result<Identity, AuthenticationError> {
        let times = (self.clock.now(), self.clock.unix_now());
        self.greeter.authenticate(current, credential, times)
    }

    /// The identity that takes the place of `current` after this hello. It
    /// holds what the client asks for and the configuration or its bearer
    /// credential grants, and what its tokens grant. Of `current` it keeps
    /// what the transport knows, and nothing that an earlier hello said.
    ///
    /// # Errors
    /// [`HelloError`]; `current` then stays as it was.
    pub fn hello(&self, current: &Identity, hello: &Hello) -> Result<Identity, HelloError> {
        let times = (self.clock.now(), self.clock.unix_now());
        self.greeter.hello(current, hello, times)
    }

    /// Lets one call through, or says why not. The [`Permit`] is held until
    /// the call has ended.
    ///
    /// A call that is refused counts against no limit.
    ///
    /// # Errors
    /// [`Refusal`] with what was missing or how long to wait.
    pub fn admit(&self, caller: &Identity, need: &Requirement<'_>) -> Result<Permit, Refusal> {
        let now = self.clock.now();
        self.allow(caller, need, now)?;
        if need.is_unlimited() {
            return Ok(Permit::unlimited());
        }
        self.limits.admit(need, now)
    }

    /// Whether the caller holds what is required, limits aside.
    fn allow(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
        now: Duration,
    ) -> Result<(), Refusal> {
        if let Some(credentials) = &caller.inner().credentials {
            let authorities = &self.greeter.authorities;
            let bearer = caller.inner().bearer.as_deref();
            credentials
                .check(bearer, authorities, now)
                .map_err(Refusal::Lapsed)?;
        }
        let granted = caller.capabilities();
        if granted.contains_all(need.capabilities) {
            return Ok(());
        }
        Err(Refusal::CapabilityDenied {
            required: need.capabilities.clone(),
            granted: granted.clone(),
            missing: need.capabilities.difference(granted),
        })
    }
}

impl GateBuilder {
    /// Allows these capabilities to whoever asks for them.
    #[must_use]
    pub fn allow<S: Into<String>>(self, capabilities: impl IntoIterator<Item = S>) -> Self {
        self.grant(Grantee::Everybody, capabilities)
    }

    /// Grants these capabilities to this one, if asked for.
    #[must_use]
    pub fn grant<S: Into<String>>(
        mut self,
        grantee: Grantee,
        capabilities: impl IntoIterator<Item = S>,
    ) -> Self {
        let capabilities = capabilities.into_iter().collect();
        self.greeter.configured.add(grantee, capabilities);
        self
    }

    /// Lets in processes of this local user, beside the server's own.
    #[must_use]
    pub fn allow_uid(mut self, uid: u32) -> Self {
        self.uids.insert(uid);
        self
    }

    /// Asks this one about credentials that transports receive.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.greeter.authorities.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Trusts this issuer: a chain of tokens that begins with it grants what
    /// its last token says, as far as it is among these capabilities. Said
    /// again, it replaces what was said of the issuer before.
    #[cfg(feature = "ucan")]
    #[must_use]
    pub fn trust_root<S: Into<String>>(
        mut self,
        root: crate::ucan::Did,
        may_grant: impl IntoIterator<Item = S>,
    ) -> Self {
        let may_grant: atd_proto::CapabilitySet = may_grant.into_iter().collect();
        self.greeter.trust.roots.insert(root, may_grant);
        self
    }

    /// Follows chains of up to so many tokens; 5 unless said otherwise.
    #[cfg(feature = "ucan")]
    #[must_use]
    pub fn max_links(mut self, links: std::num::NonZeroUsize) -> Self {
        self.greeter.trust.max_links = links;
        self
    }

    /// Asks this one whether a token was called back.
    #[must_use]
    pub fn revocations(mut self, revocations: impl Revocations) -> Self {
        self.greeter.authorities.revocations = Some(Arc::new(revocations));
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
            uids: self.uids,
            greeter: self.greeter,
            clock: self.clock,
            limits: Limits::default(),
        }
    }
}
