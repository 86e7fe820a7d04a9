//! Who signs.

use std::{fmt, str::FromStr, sync::Arc};

use ed25519_dalek::Signer;

use super::{KeyError, PublicKey};
use crate::{chain::ChainHash, hex::unhex};

/// The Ed25519 key that a log's chain is signed with: 32 secret bytes, as text
/// 64 digits of hex. It is never printed.
#[derive(Clone)]
pub struct SigningKey(Arc<ed25519_dalek::SigningKey>);

impl SigningKey {
    /// The key of these bytes. They must come from a source of randomness for
    /// secrets, and nobody who could forge a log may know them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(ed25519_dalek::SigningKey::from_bytes(bytes)))
    }

    /// What a reader checks the signatures with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(self.0.verifying_key())
    }

    /// The signature of the line `seq` with this `chain`.
    pub(crate) fn sign(&self, seq: u64, chain: &ChainHash) -> [u8; 64] {
        self.0.sign(&chain.signing_message(seq)).to_bytes()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    /// Reads hex of either case; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().to_ascii_lowercase();
        let bytes = unhex(digits.as_bytes()).ok_or(KeyError::Signing)?;
        Ok(Self::from_bytes(&bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}
