//! From what a client and its transport say to an identity.

use std::sync::Arc;
use std::time::Duration;

use atd_proto::Hello;

use crate::authenticator::AuthenticationError;
use crate::channel::Heard;
use crate::credentials::{Authorities, Bearer, Credentials};
use crate::grant::{Configured, Grant, Mechanism};
use crate::identity::{Identity, Inner, PeerCredentials};
use crate::limits::CallerKeys;
use crate::refusal::HelloError;
#[cfg(feature = "ucan")]
use crate::refusal::ProofError;
use crate::token::{TokenError, TokenId, check_size};
#[cfg(feature = "ucan")]
use crate::ucan::{Trust, Verified};

/// The longest `client_id` that is kept, in bytes.
const MAX_CLIENT_ID: usize = 1024;

/// The gate's clock, and the time since 1970.
type Times = (Duration, Duration);

/// Makes identities.
#[derive(Debug, Default)]
pub(crate) struct Greeter {
    pub(crate) configured: Configured,
    pub(crate) authorities: Authorities,
    pub(crate) keys: CallerKeys,
    #[cfg(feature = "ucan")]
    pub(crate) trust: Trust,
    /// Whether tokens are taken only with a proof, on every transport.
    #[cfg(feature = "ucan")]
    pub(crate) demand_proof: bool,
}

/// What the tokens of a hello grant together.
#[derive(Debug, Default)]
struct FromTokens {
    grants: Vec<Grant>,
    /// Unix seconds.
    expires: Option<u64>,
    ids: Vec<TokenId>,
}

impl Greeter {
    pub(crate) fn connect(&self, peer: Option<PeerCredentials>) -> Identity {
        self.identity(Inner {
            peer,
            ..Inner::default()
        })
    }

    pub(crate) fn authenticate(
        &self,
        current: &Identity,
        credential: &str,
        (now, unix_now): Times,
    ) -> Result<Identity, AuthenticationError> {
        let authenticator = self.authorities.authenticator.as_ref();
        let authenticator = authenticator.ok_or(AuthenticationError::NotTaken)?;
        // Before, so that a change meanwhile is seen at the first call.
        let epochs = self.authorities.epochs(now);
        let principal = authenticator.authenticate(credential, now, unix_now)?;
        let ends = principal.expires;
        let bearer = Arc::new(Bearer {
            id: format!("bearer:{}", principal.name).into(),
            ends: ends.map(|end| on_clock(end, (now, unix_now))),
            principal,
        });
        Ok(self.identity(Inner {
            peer: current.peer(),
            credentials: Some(Credentials::new(bearer.ends, Vec::new(), epochs)),
            bearer: Some(bearer),
            ..Inner::default()
        }))
    }

    pub(crate) fn hello(
        &self,
        current: &Identity,
        hello: &Hello,
        heard: Option<&Heard<'_>>,
        times: Times,
    ) -> Result<Identity, HelloError> {
        let (now, _) = times;
        check_sizes(hello)?;
        let known = current.inner();
        let epochs = self.authorities.epochs(now);
        if let Some(bearer) = &known.bearer {
            let holds = self.authorities.check_bearer(bearer, now);
            holds.map_err(HelloError::Lapsed)?;
        }
        let tokens = self.tokens(hello, heard, times)?;
        let mut inner = Inner {
            caller_id: hello.client_id.as_deref().map(Arc::from),
            peer: known.peer,
            bearer: known.bearer.clone(),
            ..Inner::default()
        };
        if tokens.expires.is_some() {
            inner.token_id = inner.caller_id.clone();
        }
        let asked = &hello.requested_capabilities;
        let mut grants = self.configured.to(&inner, asked);
        if let Some(bearer) = &known.bearer {
            let both = bearer.principal.capabilities.intersection(asked);
            grants.extend(both.iter().map(|one| Grant::new(one, Mechanism::Bearer)));
        }
        grants.extend(tokens.grants);
        grants.sort_by(|a, b| a.capability().cmp(b.capability()));
        inner.capabilities = Arc::new(grants.iter().map(Grant::capability).collect());
        inner.grants = grants;
        if known.bearer.is_some() || tokens.expires.is_some() {
            let bearer_ends = known.bearer.as_ref().and_then(|it| it.ends);
            let tokens_end = tokens.expires.map(Duration::from_secs);
            let ends = tokens_end.map(|end| on_clock(end, times));
            let first = bearer_ends.into_iter().chain(ends).min();
            inner.credentials = Some(Credentials::new(first, tokens.ids, epochs));
        }
        Ok(self.identity(inner))
    }

    #[cfg(feature = "ucan")]
    fn tokens(
        &self,
        hello: &Hello,
        heard: Option<&Heard<'_>>,
        (now, unix_now): Times,
    ) -> Result<FromTokens, HelloError> {
        if hello.ucan_tokens.is_empty() {
            return Ok(FromTokens::default());
        }
        if self.trust.roots.is_empty() {
            return Err(HelloError::NoTrustedRoot);
        }
        // First, so that who only found a token learns nothing of it.
        self.check_proof(hello, heard, now)?;
        let client_id = hello.client_id.as_deref();
        let revocations = self.authorities.revocations.as_deref();
        let verified = hello.ucan_tokens.iter().map(|token| {
            self.trust
                .verify(token, client_id, unix_now.as_secs(), revocations)
        });
        let mut all = FromTokens::default();
        for chain in verified {
            all.add(&chain?);
        }
        Ok(all)
    }

    /// Whether the client holds the key that its tokens are for, where that is
    /// demanded or it says so.
    #[cfg(feature = "ucan")]
    fn check_proof(
        &self,
        hello: &Hello,
        heard: Option<&Heard<'_>>,
        now: Duration,
    ) -> Result<(), HelloError> {
        let demanded = self.demand_proof || heard.is_some_and(Heard::demands_proof);
        if !demanded && hello.proof.is_none() {
            return Ok(());
        }
        let heard = heard.ok_or(ProofError::NoChannel)?;
        heard.check_proof(hello, now)
    }

    #[cfg(not(feature = "ucan"))]
    fn tokens(
        &self,
        hello: &Hello,
        _: Option<&Heard<'_>>,
        _: Times,
    ) -> Result<FromTokens, HelloError> {
        match hello.ucan_tokens.is_empty() {
            true => Ok(FromTokens::default()),
            false => Err(HelloError::NoTrustedRoot),
        }
    }

    /// Whether this one would be granted the capability if it asked, and what
    /// else grants it, in words.
    pub(crate) fn grantees_of(&self, inner: &Inner, capability: &str) -> (bool, Vec<String>) {
        let bearer = inner.bearer.as_ref();
        let by_credential = bearer.is_some_and(|it| it.principal.capabilities.contains(capability));
        let own = by_credential
            || self
                .configured
                .grantees_of(capability)
                .any(|it| it.is(inner));
        let others = self.configured.grantees_of(capability);
        #[cfg_attr(not(feature = "ucan"), expect(unused_mut, reason = "roots add to it"))]
        let mut others: Vec<String> = others.map(ToString::to_string).collect();
        #[cfg(feature = "ucan")]
        for (root, may_grant) in &self.trust.roots {
            if may_grant.contains(capability) {
                others.push(format!("holders of a token from {root}"));
            }
        }
        (own, others)
    }

    fn identity(&self, mut inner: Inner) -> Identity {
        let verified_id = inner.verified_names().next();
        inner.verified_id = verified_id;
        inner.key = inner.verified_id.as_ref().map(|id| self.keys.of(id));
        Identity::new(inner)
    }
}

#[cfg(feature = "ucan")]
impl FromTokens {
    fn add(&mut self, chain: &Verified) {
        let root: Arc<str> = chain.root.to_string().into();
        let granted = chain.capabilities.iter().map(|one| {
            let mechanism = Mechanism::Token {
                root: root.clone(),
                id: chain.ids[0],
            };
            Grant::new(one, mechanism)
        });
        self.grants.extend(granted);
        self.ids.extend(&chain.ids);
        let ends = self.expires.into_iter().chain([chain.expires]);
        self.expires = ends.min();
    }
}

/// Refuses more than is read, before any of it is.
fn check_sizes(hello: &Hello) -> Result<(), HelloError> {
    if let Some(length) = hello.client_id.as_ref().map(String::len)
        && length > MAX_CLIENT_ID
    {
        return Err(HelloError::ClientIdTooLong {
            length,
            limit: MAX_CLIENT_ID,
        });
    }
    check_size(&hello.ucan_tokens).map_err(TokenError::from)?;
    Ok(())
}

/// A time since 1970 on the gate's clock, which nobody sets. What ends within
/// the second in which it is read has ended.
fn on_clock(end: Duration, (now, unix_now): Times) -> Duration {
    now.saturating_add(end.saturating_sub(unix_now))
}
