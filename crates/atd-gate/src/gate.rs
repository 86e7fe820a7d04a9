//! The gate itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use atd_proto::Hello;

use crate::authenticator::{AuthenticationError, Authenticator};
use crate::clock::{Clock, Moment, MonotonicClock};
use crate::grant::Grantee;
use crate::hello::Greeter;
use crate::identity::{Identity, PeerCredentials};
use crate::limits::{CallLimits, CallerKey, Limits, Permit, Usage};
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
    limits: CallLimits,
}

impl Gate {
    /// Starts a gate that grants nothing.
    pub fn builder() -> GateBuilder {
        GateBuilder {
            uids: BTreeSet::from([rustix::process::geteuid().as_raw()]),
            greeter: Greeter::default(),
            clock: Arc::new(MonotonicClock::default()),
            limits: CallLimits::default(),
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
        let now = Moment::of(&*self.clock);
        self.allow(caller, need, &now)?;
        self.limits.admit(key_of(caller), need, &now)
    }

    /// Lets one call through as [`admit`](Self::admit) does, but where only a
    /// place among the tool's calls at a time is missing it waits for its turn,
    /// first come first served, behind at most
    /// [`waiting_per_tool`](CallLimits::waiting_per_tool) others. Calls that do
    /// not wait are refused meanwhile.
    ///
    /// How long is the caller's to say: end the wait by dropping the future,
    /// which leaves the queue.
    ///
    /// # Errors
    /// [`Refusal`], at once where waiting does not help or the queue is full,
    /// or when the turn comes and another limit is reached.
    pub async fn admit_in_turn(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
    ) -> Result<Permit, Refusal> {
        let refusal = match self.admit(caller, need) {
            Err(refusal) if refusal.is_for_a_place() => refusal,
            other => return other,
        };
        let Some(turn) = self.limits.wait(need, &Moment::of(&*self.clock)) else {
            return Err(refusal);
        };
        // Cancelled: the turn is passed over when it comes.
        let Ok(place) = turn.await else {
            return Err(refusal);
        };
        let now = Moment::of(&*self.clock);
        self.allow(caller, need, &now)?;
        self.limits.admit_next(place, key_of(caller), need, &now)
    }

    /// The limits that hold beside those of each tool.
    pub fn limits(&self) -> CallLimits {
        self.limits.get()
    }

    /// Changes the limits, also while calls run. What was used of one counts
    /// against it when it is another number; calls that came while there was
    /// no such limit do not count against it.
    pub fn set_limits(&self, limits: CallLimits) {
        self.limits.set(limits);
    }

    /// Whether the caller holds what is required, limits aside.
    fn allow(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<(), Refusal> {
        self.check_credentials_at(caller, now)?;
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

    fn check_credentials_at(&self, caller: &Identity, now: &Moment<'_>) -> Result<(), Refusal> {
        let Some(credentials) = &caller.inner().credentials else {
            return Ok(());
        };
        let authorities = &self.greeter.authorities;
        let bearer = caller.inner().bearer.as_deref();
        let holds = credentials.check(bearer, authorities, now.get());
        holds.map_err(Refusal::Lapsed)
    }

    pub(crate) fn check_credentials(&self, caller: &Identity) -> Result<(), Refusal> {
        self.check_credentials_at(caller, &Moment::of(&*self.clock))
    }

    /// How far each limit that a call would meet is used up.
    pub(crate) fn usage(&self, caller: &Identity, need: &Requirement<'_>) -> Vec<Usage> {
        self.limits.look(key_of(caller), need, self.clock.now())
    }

    /// Whether the caller would be granted the capability if it asked, and
    /// what else grants it, in words.
    pub(crate) fn grantees_of(&self, caller: &Identity, capability: &str) -> (bool, Vec<String>) {
        self.greeter.grantees_of(caller.inner(), capability)
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

    /// Sets the limits that hold beside those of each tool.
    #[must_use]
    pub fn limits(mut self, limits: CallLimits) -> Self {
        self.limits = limits;
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
            limits: Limits::new(self.limits),
        }
    }
}

/// By what the limits of this caller are kept.
fn key_of(caller: &Identity) -> CallerKey {
    caller.inner().key.unwrap_or(CallerKey::NOBODY)
}
