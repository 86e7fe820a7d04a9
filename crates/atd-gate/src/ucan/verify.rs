//! Whether a chain of tokens is good.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use atd_proto::CapabilitySet;
use ed25519_dalek::{Signature, VerifyingKey};

use super::compact::{Decoded, key};
use super::did::Did;
use crate::token::{InvalidToken, Revocations, TokenError, TokenId};

/// How many links of a chain are followed unless somebody says otherwise.
const DEFAULT_LINKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Whose tokens are good, and for what.
#[derive(Debug)]
pub(crate) struct Trust {
    /// The first issuers of chains, and what each may grant at most.
    pub(crate) roots: BTreeMap<Did, CapabilitySet>,
    pub(crate) max_links: NonZeroUsize,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            roots: BTreeMap::new(),
            max_links: DEFAULT_LINKS,
        }
    }
}

/// What a good chain grants.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) root: Did,
    /// The leaf's, within what the root may grant.
    pub(crate) capabilities: CapabilitySet,
    /// Unix seconds. No link is good for longer.
    pub(crate) expires: u64,
    /// Leaf first.
    pub(crate) ids: Vec<TokenId>,
}

impl Trust {
    /// Verifies a token and what it stands on, at `now` in Unix seconds.
    pub(crate) fn verify(
        &self,
        token: &str,
        client_id: Option<&str>,
        now: u64,
        revocations: Option<&dyn Revocations>,
    ) -> Result<Verified, TokenError> {
        let chain = Chain::read(token, self.max_links)?;
        let may_grant = self.may_grant(&chain)?;
        chain.check_links()?;
        check_revoked(&chain, revocations)?;
        // What only costs comparing is done; from here on each link costs a
        // signature, and what is told depends on signed claims.
        chain.check_signatures()?;
        let leaf = &chain.leaf().claims;
        if client_id != Some(leaf.aud.as_str()) {
            return Err(TokenError::AudienceMismatch);
        }
        chain.check_times(now)?;
        Ok(Verified {
            root: chain.root().issuer,
            capabilities: leaf.args.caps.intersection(may_grant),
            expires: leaf.exp,
            ids: chain.0.iter().map(|link| link.id).collect(),
        })
    }

    fn may_grant(&self, chain: &Chain) -> Result<&CapabilitySet, InvalidToken> {
        let root = chain.root().issuer;
        let trusted = self.roots.get(&root);
        trusted.ok_or_else(|| InvalidToken::UntrustedRoot {
            root: root.to_string(),
        })
    }
}

fn check_revoked(chain: &Chain, by: Option<&dyn Revocations>) -> Result<(), InvalidToken> {
    let Some(revocations) = by else {
        return Ok(());
    };
    let revoked = chain.0.iter().find(|link| revocations.is_revoked(&link.id));
    revoked.map_or(Ok(()), |link| Err(InvalidToken::Revoked { id: link.id }))
}

/// The links of a chain, leaf first; never empty.
#[derive(Debug)]
pub(super) struct Chain(pub(super) Vec<Decoded>);

impl Chain {
    /// Takes a chain apart, each layer once: a parent is three quarters as
    /// long as what holds it, so that all of it costs no more than four times
    /// the leaf.
    pub(super) fn read(token: &str, max_links: NonZeroUsize) -> Result<Self, TokenError> {
        let limit = max_links.get();
        let mut links = Vec::with_capacity(limit.min(8));
        let mut next = Some(token.to_owned());
        while let Some(compact) = next {
            if links.len() == limit {
                return Err(TokenError::TooDeep { limit });
            }
            let mut link = Decoded::read(compact)?;
            next = link.take_parent();
            links.push(link);
        }
        Ok(Self(links))
    }

    pub(super) fn leaf(&self) -> &Decoded {
        &self.0[0]
    }

    pub(super) fn root(&self) -> &Decoded {
        &self.0[self.0.len() - 1]
    }

    /// Whether each link passes on no more than it was given.
    pub(super) fn check_links(&self) -> Result<(), InvalidToken> {
        key("aud", &self.leaf().claims.aud)?;
        let root = &self.root().claims.iss;
        if self.0.iter().any(|link| link.claims.sub != *root) {
            return Err(InvalidToken::SubjectNotRoot);
        }
        for (index, link) in self.0.iter().enumerate() {
            if self.0[..index].iter().any(|it| it.issuer == link.issuer) {
                return Err(InvalidToken::Circular);
            }
        }
        for pair in self.0.windows(2) {
            check_attenuation(&pair[0], &pair[1])?;
        }
        Ok(())
    }

    pub(super) fn check_signatures(&self) -> Result<(), InvalidToken> {
        if self.0.iter().all(is_signed) {
            Ok(())
        } else {
            Err(InvalidToken::BadSignature)
        }
    }

    fn check_times(&self, now: u64) -> Result<(), TokenError> {
        // The root is told first: a new leaf does not help who lost the root.
        for link in self.0.iter().rev() {
            let (id, claims) = (link.id, &link.claims);
            if now >= claims.exp {
                let ago_seconds = now - claims.exp;
                return Err(TokenError::Expired { id, ago_seconds });
            }
            if claims.nbf.is_some_and(|from| now < from) {
                return Err(InvalidToken::NotYetValid { id }.into());
            }
        }
        Ok(())
    }
}

fn check_attenuation(child: &Decoded, parent: &Decoded) -> Result<(), InvalidToken> {
    let (child, parent) = (&child.claims, &parent.claims);
    if parent.aud != child.iss {
        return Err(InvalidToken::BrokenChain);
    }
    if !parent.args.caps.contains_all(&child.args.caps) {
        return Err(InvalidToken::Widened);
    }
    let (all, some) = (&parent.args.with, &child.args.with);
    if !all.is_empty() && (some.is_empty() || !all.contains_all(some)) {
        return Err(InvalidToken::WidenedResources);
    }
    if child.exp > parent.exp {
        return Err(InvalidToken::OutlivesParent);
    }
    Ok(())
}

/// Whether the issuer signed the link, with a key and a signature for which
/// there is one right way only.
pub(super) fn is_signed(link: &Decoded) -> bool {
    let signature = Signature::from_bytes(&link.signature);
    VerifyingKey::from_bytes(link.issuer.public_key())
        .and_then(|key| key.verify_strict(link.signed.as_bytes(), &signature))
        .is_ok()
}
