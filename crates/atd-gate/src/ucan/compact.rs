//! A token's compact form, taken apart. Nothing here is verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::claims::{Claims, Header};
use super::did::Did;
use crate::token::{InvalidToken, TokenId};

/// The longest problem of a JSON reader that is repeated, in characters.
const MAX_PROBLEM: usize = 160;

/// One link of a chain: it has the right form, and says what it says.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) id: TokenId,
    pub(super) issuer: Did,
    pub(super) claims: Claims,
    pub(super) signed: String,
    pub(super) signature: [u8; 64],
}

impl Decoded {
    /// Takes a token apart, but not its parent.
    pub(super) fn read(mut compact: String) -> Result<Self, InvalidToken> {
        let id = TokenId::from_sha256(Sha256::digest(&compact).into());
        let mut parts = compact.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidToken::NotCompact);
        };
        let signature: [u8; 64] = decoded("signature", signature)?
            .try_into()
            .map_err(|_| InvalidToken::BadSignature)?;
        check_header(&parsed("header", header)?)?;
        let claims: Claims = parsed("payload", payload)?;
        check_claims(&claims)?;
        let issuer = key("iss", &claims.iss)?;
        let signed = header.len() + 1 + payload.len();
        compact.truncate(signed);
        Ok(Self {
            id,
            issuer,
            claims,
            signed: compact,
            signature,
        })
    }

    /// The compact form of the parent, if there is one. It is taken out.
    pub(super) fn take_parent(&mut self) -> Option<String> {
        self.claims.prf.pop()
    }
}

fn decoded(part: &'static str, text: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| InvalidToken::Base64 { part })
}

fn parsed<T: serde::de::DeserializeOwned>(
    part: &'static str,
    text: &str,
) -> Result<T, InvalidToken> {
    let json = decoded(part, text)?;
    serde_json::from_slice(&json).map_err(|error| {
        let problem = error.to_string();
        let shown = problem.chars().take(MAX_PROBLEM);
        InvalidToken::Malformed {
            part,
            problem: shown.map(harmless).collect(),
        }
    })
}

/// The message may repeat the token's text, which must not break a line of a
/// log or command a terminal.
fn harmless(c: char) -> char {
    if c == ' ' || c.is_ascii_graphic() {
        c
    } else {
        '?'
    }
}

fn check_header(header: &Header) -> Result<(), InvalidToken> {
    only("alg", &header.alg, "EdDSA")?;
    only("typ", &header.typ, "ucan/1.0+jwt")?;
    only("ucv", &header.ucv, "1.0")?;
    if header.crit {
        return Err(InvalidToken::UnknownRules { member: "crit" });
    }
    Ok(())
}

fn check_claims(claims: &Claims) -> Result<(), InvalidToken> {
    only("cmd", &claims.cmd, "atd-cap")?;
    if let Some(member) = claims.unknown_rules {
        return Err(InvalidToken::UnknownRules { member });
    }
    match claims.prf.len() {
        0 | 1 => Ok(()),
        count => Err(InvalidToken::TwoParents { count }),
    }
}

fn only(member: &'static str, found: &str, expected: &'static str) -> Result<(), InvalidToken> {
    if found == expected {
        Ok(())
    } else {
        Err(InvalidToken::Unsupported { member, expected })
    }
}

pub(super) fn key(member: &'static str, text: &str) -> Result<Did, InvalidToken> {
    text.parse().map_err(|_| InvalidToken::NoKey { member })
}
