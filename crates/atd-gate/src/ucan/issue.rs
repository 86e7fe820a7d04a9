//! Making tokens.

use std::fmt;
use std::num::NonZeroUsize;

use atd_proto::CapabilitySet;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use serde_json::{Value, json};

use super::claims::MAX_SECONDS;
use super::did::Did;
use super::verify::Chain;
use crate::token::TokenError;

/// The longest chain that is made. A server may follow fewer links.
const MAX_LINKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// A key that signs tokens. Its bytes are wiped from memory when it goes, and
/// never shown by `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// What is passed on, to whom, until when.
#[derive(Clone, Debug)]
pub struct Delegation {
    audience: Did,
    capabilities: CapabilitySet,
    with: Vec<Value>,
    not_before: Option<u64>,
    expires: u64,
}

/// Why no token was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// The time lies where not every reader of JSON holds it exactly.
    #[error("{0} is too far off for an expiry in Unix seconds")]
    TooFarOff(u64),
    /// The parent cannot be passed on so: it is no good token, was issued to
    /// another key, or the delegation is wider.
    #[error("the token cannot be passed on like that: {0}")]
    Parent(#[from] TokenError),
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`IssueError::NoRandomness`].
    pub fn generate() -> Result<Self, IssueError> {
        random().map(|seed| Self::from_bytes(&seed))
    }

    /// The key of which these are the secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// The secret bytes.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The name under which the key is known.
    pub fn did(&self) -> Did {
        Did::from_public_key(self.0.verifying_key().to_bytes())
    }

    /// Issues a token of one's own rights: the first link of a chain.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, delegation: &Delegation) -> Result<String, IssueError> {
        self.sign(delegation, &self.did().to_string(), None)
    }

    pub(super) fn signer(&self) -> &impl Signer<ed25519_dalek::Signature> {
        &self.0
    }

    fn sign(
        &self,
        delegation: &Delegation,
        subject: &str,
        parent: Option<&str>,
    ) -> Result<String, IssueError> {
        let times = [Some(delegation.expires), delegation.not_before];
        if let Some(far) = times.into_iter().flatten().find(|it| *it > MAX_SECONDS) {
            return Err(IssueError::TooFarOff(far));
        }
        let header = json!({"alg": "EdDSA", "typ": "ucan/1.0+jwt", "ucv": "1.0"});
        let mut args = json!({"caps": delegation.capabilities});
        if !delegation.with.is_empty() {
            args["with"] = delegation.with.clone().into();
        }
        let nonce: [u8; 12] = random()?;
        let mut payload = json!({
            "iss": self.did().to_string(),
            "aud": delegation.audience.to_string(),
            "sub": subject,
            "cmd": "atd-cap",
            "args": args,
            "nonce": URL_SAFE_NO_PAD.encode(nonce),
            "exp": delegation.expires,
            "prf": parent.into_iter().collect::<Vec<_>>(),
        });
        if let Some(not_before) = delegation.not_before {
            payload["nbf"] = not_before.into();
        }
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut token = format!("{}.{}", encoded(&header), encoded(&payload));
        let signature = self.0.sign(token.as_bytes()).to_bytes();
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.did())
    }
}

impl Delegation {
    /// Lets `audience` hold these capabilities until `expires`, in Unix
    /// seconds.
    pub fn new<S: Into<String>>(
        audience: Did,
        capabilities: impl IntoIterator<Item = S>,
        expires: u64,
    ) -> Self {
        Self {
            audience,
            capabilities: capabilities.into_iter().collect(),
            with: Vec::new(),
            not_before: None,
            expires,
        }
    }

    /// Names what they apply to; without it, all that the parent's apply to.
    #[must_use]
    pub fn with(mut self, resources: impl IntoIterator<Item = Value>) -> Self {
        self.with = resources.into_iter().collect();
        self
    }

    /// They hold from this time on, in Unix seconds.
    #[must_use]
    pub fn not_before(mut self, seconds: u64) -> Self {
        self.not_before = Some(seconds);
        self
    }
}

/// Passes on what `parent` grants to the holder of `key`, or less of it. The
/// parent's `with` is passed on where the delegation names none.
///
/// # Errors
/// [`IssueError::Parent`] when a server would refuse the chain: the reason is
/// the one that the server would give.
pub fn attenuate(
    key: &SigningKey,
    parent: &str,
    delegation: &Delegation,
) -> Result<String, IssueError> {
    let chain = Chain::read(parent, MAX_LINKS)?;
    let mut delegation = delegation.clone();
    if delegation.with.is_empty() {
        let kept = chain.leaf().claims.args.with.iter();
        delegation.with = kept
            .filter_map(|item| serde_json::from_str(item).ok())
            .collect();
    }
    let token = key.sign(&delegation, &chain.root().claims.iss, Some(parent))?;
    let chain = Chain::read(&token, MAX_LINKS)?;
    chain.check_links().map_err(TokenError::from)?;
    chain.check_signatures().map_err(TokenError::from)?;
    Ok(token)
}

fn random<const N: usize>() -> Result<[u8; N], IssueError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| IssueError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}
