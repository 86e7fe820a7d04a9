//! Looking into tokens without trusting them.

use std::num::NonZeroUsize;

use atd_proto::CapabilitySet;

use super::compact::key;
use super::did::Did;
use super::verify::{Chain, is_signed};
use crate::token::{TokenError, TokenId, check_size};

/// The longest chain that is looked into.
const MAX_LINKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// One link of a chain, as it describes itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// The token's id, by which it can be revoked.
    pub id: TokenId,
    /// Who signed it, or seems to have.
    pub issuer: Did,
    /// To whom it was issued.
    pub audience: Did,
    /// What it grants.
    pub capabilities: CapabilitySet,
    /// What that applies to, each as JSON; empty for everything.
    pub resources: Vec<String>,
    /// From when it is good, in Unix seconds.
    pub not_before: Option<u64>,
    /// Until when it is good, in Unix seconds.
    pub expires: u64,
    /// Whether the issuer's signature is on it.
    pub signed: bool,
}

/// The links of a token's chain, leaf first. Only their form and signatures
/// are looked at: it says nothing of whether anybody trusts them.
///
/// # Errors
/// [`TokenError`] for what is no token, or too long.
pub fn inspect(token: &str) -> Result<Vec<Link>, TokenError> {
    check_size(&[token])?;
    let chain = Chain::read(token, MAX_LINKS)?;
    let links = chain.0.into_iter().map(|link| {
        Ok(Link {
            id: link.id,
            issuer: link.issuer,
            audience: key("aud", &link.claims.aud)?,
            signed: is_signed(&link),
            capabilities: link.claims.args.caps,
            resources: link.claims.args.with.into(),
            not_before: link.claims.nbf,
            expires: link.claims.exp,
        })
    });
    links.collect()
}
