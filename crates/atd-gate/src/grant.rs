//! Who is granted what, and by what.

use std::fmt;
use std::sync::Arc;

use atd_proto::CapabilitySet;

use crate::identity::Inner;
use crate::token::TokenId;

/// Whom a grant of the configuration is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grantee {
    /// Whoever asks.
    Everybody,
    /// Processes of this local user.
    Uid(u32),
    /// Processes of this local group.
    Gid(u32),
    /// Who bears this [verified id](crate::Identity::verified_id), such as
    /// `did:key:z6Mk…`, `bearer:ci` or `uid:1000`. A name that a client gives
    /// itself never counts.
    Verified(Arc<str>),
}

/// What granted a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// The configuration, which grants it to this one.
    Configured(Grantee),
    /// The bearer credential that was presented.
    Bearer,
    /// A capability token.
    Token {
        /// The trusted issuer at the beginning of its chain.
        root: Arc<str>,
        /// The token.
        id: TokenId,
    },
}

/// A capability that is held, and what granted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    capability: Arc<str>,
    mechanism: Mechanism,
}

impl Grant {
    pub(crate) fn new(capability: &str, mechanism: Mechanism) -> Self {
        Self {
            capability: capability.into(),
            mechanism,
        }
    }

    /// What is held.
    pub fn capability(&self) -> &str {
        &self.capability
    }

    /// What granted it.
    pub fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }
}

impl Grantee {
    /// Whoever presents the bearer credential of this name.
    pub fn bearer(name: &str) -> Self {
        Self::Verified(format!("bearer:{name}").into())
    }

    pub(crate) fn is(&self, inner: &Inner) -> bool {
        let peer = inner.peer;
        match self {
            Self::Everybody => true,
            Self::Uid(uid) => peer.is_some_and(|peer| peer.uid == *uid),
            Self::Gid(gid) => peer.is_some_and(|peer| peer.gid == *gid),
            Self::Verified(id) => inner.verified_names().any(|name| name == *id),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Uid(uid) => write!(f, "user id {uid}"),
            Self::Gid(gid) => write!(f, "group id {gid}"),
            Self::Verified(id) => write!(f, "{}", id.escape_debug()),
        }
    }
}

impl fmt::Display for Mechanism {
    /// A short word for a log: `everybody`, `uid:1000`, `gid:100`,
    /// `verified:bearer:ci`, `bearer`, or `token:` and the token's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured(Grantee::Everybody) => f.write_str("everybody"),
            Self::Configured(Grantee::Uid(uid)) => write!(f, "uid:{uid}"),
            Self::Configured(Grantee::Gid(gid)) => write!(f, "gid:{gid}"),
            Self::Configured(Grantee::Verified(id)) => write!(f, "verified:{}", id.escape_debug()),
            Self::Bearer => f.write_str("bearer"),
            Self::Token { id, .. } => write!(f, "token:{id}"),
        }
    }
}

/// What the configuration grants.
#[derive(Debug, Default)]
pub(crate) struct Configured(Vec<(Grantee, CapabilitySet)>);

impl Configured {
    pub(crate) fn add(&mut self, grantee: Grantee, capabilities: CapabilitySet) {
        self.0.push((grantee, capabilities));
    }

    /// What it grants to this one of what is asked for.
    pub(crate) fn to(&self, inner: &Inner, asked: &CapabilitySet) -> Vec<Grant> {
        let own = self.0.iter().filter(|(grantee, _)| grantee.is(inner));
        own.flat_map(|(grantee, granted)| {
            let both = granted.iter().filter(|one| asked.contains(one));
            both.map(|one| Grant::new(one, Mechanism::Configured(grantee.clone())))
        })
        .collect()
    }

    /// To whom it grants a capability.
    pub(crate) fn grantees_of<'a>(
        &'a self,
        capability: &'a str,
    ) -> impl Iterator<Item = &'a Grantee> {
        let granted = self.0.iter();
        granted.filter_map(move |(grantee, set)| set.contains(capability).then_some(grantee))
    }
}
