//! Proofs that who presents tokens holds the key that they are for.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

use super::did::Did;
use super::issue::SigningKey;

/// What no other message that such a key signs begins with: a token's text is
/// base64url and has neither blanks nor a NUL.
const CONTEXT: &[u8; 26] = b"atd proof of possession 1\0";

/// What a server wants signed: 32 random bytes, for one hello on one
/// connection. Written in base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

/// A text that is no challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a challenge is 32 bytes in base64url without padding")]
pub struct ChallengeError;

impl Challenge {
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// What is signed: each part has one length, so no two proofs of other
    /// things are over the same bytes.
    fn message(&self, channel: &str, tokens: &[String]) -> Vec<u8> {
        let mut ids = Sha256::new();
        for token in tokens {
            ids.update(Sha256::digest(token));
        }
        let channel = Sha256::digest(channel);
        let parts: [&[u8]; 4] = [CONTEXT, &self.0, &channel, &ids.finalize()];
        parts.concat()
    }

    /// Whether the holder of `key` has made this proof.
    pub(crate) fn is_answered_by(
        &self,
        proof: &[u8; Signature::BYTE_SIZE],
        key: &Did,
        channel: &str,
        tokens: &[String],
    ) -> bool {
        let message = self.message(channel, tokens);
        VerifyingKey::from_bytes(key.public_key())
            .and_then(|key| key.verify_strict(&message, &Signature::from_bytes(proof)))
            .is_ok()
    }
}

/// The bytes of a proof, as a hello carries it.
pub(crate) fn read_proof(text: &str) -> Option<[u8; Signature::BYTE_SIZE]> {
    exactly(text)
}

impl SigningKey {
    /// Answers a server's challenge: the `proof` of a hello with these tokens,
    /// in this order, over this channel. How a channel is called is the
    /// transport's to say: see [`atd_proto::proof`].
    ///
    /// It is good on the connection of the challenge alone, and for one hello.
    pub fn prove(&self, challenge: &Challenge, channel: &str, tokens: &[String]) -> String {
        let signature = self.signer().sign(&challenge.message(channel, tokens));
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    }
}

/// So many bytes, written in the one way there is.
fn exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Before anything of it is read, which a client may have made long.
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl FromStr for Challenge {
    type Err = ChallengeError;

    fn from_str(text: &str) -> Result<Self, ChallengeError> {
        exactly(text).map(Self).ok_or(ChallengeError)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({self})")
    }
}
