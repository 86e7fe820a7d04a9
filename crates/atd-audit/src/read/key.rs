//! Whose signatures are trusted.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signature, VerifyingKey};

use super::ReadError;
use crate::chain::{Link, hex, unhex};

/// The Ed25519 key that a log's signatures are checked with. Its text is 64
/// digits of lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::PublicKey`]: it is no point of the curve, or one of those
    /// few under which a signature proves nothing.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ReadError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(ReadError::PublicKey),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether `link` is signed with this key's other half; strictly, so that
    /// there is one signature for one link.
    pub(super) fn has_signed(&self, link: &Link, sig: &[u8; 64]) -> bool {
        let message = link.chain.signing_message(link.seq);
        let sig = Signature::from_bytes(sig);
        self.0.verify_strict(&message, &sig).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = ReadError;

    /// Reads hex of either case; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, ReadError> {
        let digits = text.trim().to_ascii_lowercase();
        let bytes = unhex(digits.as_bytes()).ok_or(ReadError::PublicKey)?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
