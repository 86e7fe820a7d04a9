//! The gate itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use atd_proto::Hello;
use tokio::time::timeout;

use crate::authenticator::{AuthenticationError, Authenticator};
use crate::channel::Channel;
use crate::clock::{Clock, Moment, MonotonicClock};
use crate::grant::Grantee;
use crate::hello::Greeter;
use crate::identity::{Identity, PeerCredentials};
use crate::limits::{Blocked, CallLimits, CallerKey, Limits, Permit, Ticket, Usage, Waits};
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
        self.greeter.hello(current, hello, None, times)
    }

    /// What [`hello`](Self::hello) is for a connection over which the client
    /// can be asked to prove that it holds the key that its tokens are for.
    ///
    /// # Errors
    /// [`HelloError`]; `current` then stays as it was.
    pub fn hello_over(
        &self,
        channel: &Channel,
        current: &Identity,
        hello: &Hello,
    ) -> Result<Identity, HelloError> {
        let times = (self.clock.now(), self.clock.unix_now());
        self.greeter
            .hello(current, hello, Some(&channel.hear()), times)
    }

    /// Lets one call through, or says why not. The [`Permit`] is held until
    /// the call has ended.
    ///
    /// A call that is refused counts against no limit.
    ///
    /// # Errors
    /// [`Refusal`] with what was missing or how long to wait.
    pub fn admit(&self, caller: &Identity, need: &Requirement<'_>) -> Result<Permit<'_>, Refusal> {
        let now = Moment::of(&*self.clock);
        self.allow(caller, need, &now)?;
        self.limits.admit(key_of(caller), need, &now)
    }

    /// Lets one call through as [`admit`](Self::admit) does, but where a limit
    /// is reached it waits for its turn instead of being refused: for a place
    /// among the tool's calls or the server's, or until a rate has room again.
    ///
    /// First come is first served, for each limit of each tool and each caller
    /// apart; who does not wait is refused as long as somebody waits for a limit
    /// that it meets. How many may wait, and for how long, say the gate's
    /// [limits](CallLimits::waiting); `patience` is how long this call may at
    /// most, and what has no room in that time is refused at once. Dropping the
    /// future leaves the line.
    ///
    /// It waits by tokio's timer, which must be enabled where any may wait.
    ///
    /// # Errors
    /// [`Refusal`], at once where waiting does not help or too many wait, or
    /// when the time is over.
    pub async fn admit_in_turn(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
        patience: Duration,
    ) -> Result<Permit<'_>, Refusal> {
        let longest = match self.admit(caller, need) {
            Err(Refusal::RateLimited { .. }) if self.limits.longest_wait().is_some() => {
                self.limits.longest_wait().unwrap_or_default().min(patience)
            }
            ended => return ended,
        };
        match timeout(longest, self.wait_in_line(caller, need, longest)).await {
            Ok(ended) => ended,
            // The line is left; what it says of the wait is of this moment.
            Err(_) => self.admit(caller, need),
        }
    }

    async fn wait_in_line(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
        longest: Duration,
    ) -> Result<Permit<'_>, Refusal> {
        let ends = self.clock.now().saturating_add(longest);
        let mut ticket: Option<Ticket> = None;
        loop {
            let blocked = match self.admit_waiting(caller, need, ticket.as_ref())? {
                Ok(permit) => {
                    if let Some(ticket) = ticket {
                        ticket.admitted();
                    }
                    return Ok(permit);
                }
                Err(blocked) => blocked,
            };
            let left = ends.saturating_sub(self.clock.now());
            let opens_in = blocked.opens_in.unwrap_or(left);
            let Some(line) = blocked.line.filter(|_| opens_in <= left) else {
                return Err(blocked.refusal);
            };
            if let Some(ticket) = ticket.as_ref().filter(|it| it.stands_in(line)) {
                // Cancelled: the ticket is dropped, and the next one woken.
                ticket.wait(opens_in).await;
            } else if !self.limits.stand_in(line, &mut ticket) {
                return Err(blocked.refusal);
            }
            // Who stands there only now has to look once more: there may have
            // been room before it could be seen.
        }
    }

    /// Looks whether the turn of a call has come that waits.
    fn admit_waiting(
        &self,
        caller: &Identity,
        need: &Requirement<'_>,
        ticket: Option<&Ticket>,
    ) -> Result<Result<Permit<'_>, Blocked>, Refusal> {
        let now = Moment::of(&*self.clock);
        self.allow(caller, need, &now)?;
        Ok(self
            .limits
            .admit_in_turn(ticket, key_of(caller), need, &now))
    }

    /// How calls waited for limits.
    pub fn waits(&self) -> Waits {
        self.limits.waits()
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
        self.limits.usage(key_of(caller), need, self.clock.now())
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

    /// Takes tokens only from who proves to hold the key that they are for, on
    /// every transport: a token alone, as it may stand in a log, is then worth
    /// nothing. Transports on which others may listen demand it in any case.
    #[cfg(feature = "ucan")]
    #[must_use]
    pub fn demand_proof(mut self) -> Self {
        self.greeter.demand_proof = true;
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
