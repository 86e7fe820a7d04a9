//! Why a token was refused.

use crate::token::TokenId;

/// Why a token was refused. The four kinds are the four codes of the wire;
/// what exactly was wrong with an invalid one is inside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Code 1010.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// Code 1011: a link of the chain is past its time.
    #[error("the token {id} expired {ago_seconds} s ago; get a new one from whoever issued it")]
    Expired {
        /// The link.
        id: TokenId,
        /// For how long it has been.
        ago_seconds: u64,
    },
    /// Code 1012: more links than this server follows.
    #[error("the chain of delegations has more than {limit} links, the most that are followed")]
    TooDeep {
        /// The most links that are followed.
        limit: usize,
    },
    /// Code 1013: the token was issued to somebody else.
    #[error(
        "the token was not issued to this client: its `aud` and the `client_id` of the hello \
         must be the same did:key"
    )]
    AudienceMismatch,
}

/// What is wrong with an invalid token. No text of the token is repeated that
/// was not checked to be short and harmless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// More tokens in one hello than are looked at.
    #[error("{count} tokens were presented; at most {limit} are read")]
    TooMany {
        /// How many there were.
        count: usize,
        /// The most that are read.
        limit: usize,
    },
    /// More bytes of tokens in one hello than are looked at.
    #[error("the tokens are {bytes} bytes long together; at most {limit} are read")]
    TooLarge {
        /// How many there were.
        bytes: usize,
        /// The most that are read.
        limit: usize,
    },
    /// Not three parts with dots between them.
    #[error(
        "a token is three parts of base64url with a dot between each: header.payload.signature"
    )]
    NotCompact,
    /// A part is not what base64url without padding makes of any bytes.
    #[error("the {part} is not base64url without padding")]
    Base64 {
        /// Which of the three parts.
        part: &'static str,
    },
    /// A part is not the JSON object that it should be.
    #[error("the {part} is not as it should be: {problem}")]
    Malformed {
        /// Which of the three parts.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A member has a value other than the only one that is right.
    #[error("`{member}` must be `{expected}`")]
    Unsupported {
        /// The member.
        member: &'static str,
        /// The value that is right.
        expected: &'static str,
    },
    /// A member asks for something to be understood that is not.
    #[error("`{member}` asks for rules that this server does not know")]
    UnknownRules {
        /// The member.
        member: &'static str,
    },
    /// A claim names no Ed25519 key.
    #[error("`{member}` must be a did:key of an Ed25519 key (did:key:z6Mk…)")]
    NoKey {
        /// The claim.
        member: &'static str,
    },
    /// More than one parent.
    #[error("`prf` holds {count} parents; at most one is followed")]
    TwoParents {
        /// How many there are.
        count: usize,
    },
    /// The first issuer is nobody whom this server trusts.
    #[error("the chain begins at {root}, whom this server does not trust to issue tokens")]
    UntrustedRoot {
        /// The first issuer.
        root: String,
    },
    /// A link is about somebody else's rights.
    #[error("every `sub` of a chain must be its first issuer")]
    SubjectNotRoot,
    /// A link was issued by somebody else than its parent was issued to.
    #[error("the chain is broken: each link must be issued by the audience of its parent")]
    BrokenChain,
    /// The same key issues two links.
    #[error("the chain goes in a circle: each of its links must have another issuer")]
    Circular,
    /// A link passes on what its parent does not hold.
    #[error("a link widens its parent: it holds capabilities that the parent does not")]
    Widened,
    /// A link applies to what its parent does not.
    #[error("a link widens its parent: its `with` must name only what the parent's names")]
    WidenedResources,
    /// A link is good for longer than its parent.
    #[error("a link outlives its parent: its `exp` must not be later")]
    OutlivesParent,
    /// A link's time has not come.
    #[error("the token {id} is not valid yet (`nbf`)")]
    NotYetValid {
        /// The link.
        id: TokenId,
    },
    /// A signature is not the issuer's, or not made in the one right way.
    #[error("a signature of the chain is not good")]
    BadSignature,
    /// A link was called back.
    #[error("the token {id} was revoked")]
    Revoked {
        /// The link.
        id: TokenId,
    },
}
