//! Whose signatures are trusted.

use std::{fmt, str::FromStr};

#[cfg(feature = "read")]
use ed25519_dalek::Signature;
use ed25519_dalek::VerifyingKey;

use super::KeyError;
#[cfg(feature = "read")]
use crate::chain::Link;
use crate::hex::{hex, unhex};

/// The Ed25519 key that a log's signatures are checked with. Its text is 64
/// digits of lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Public`]: it is no point of the curve, or one of those
    /// few under which a signature proves nothing.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::Public),
        }
    }

    pub(super) const fn of(key: VerifyingKey) -> Self {
        Self(key)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether `link` is signed with this key's other half; strictly, so that
    /// there is one signature for one link.
    #[cfg(feature = "read")]
    pub(crate) fn has_signed(&self, link: &Link, sig: &[u8; 64]) -> bool {
        let message = link.chain.signing_message(link.seq);
        let sig = Signature::from_bytes(sig);
        self.0.verify_strict(&message, &sig).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Reads hex of either case; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().to_ascii_lowercase();
        let bytes = unhex(digits.as_bytes()).ok_or(KeyError::Public)?;
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
